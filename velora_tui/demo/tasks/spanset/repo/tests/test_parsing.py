import pytest

from spanset import SpanSet, parse


@pytest.mark.parametrize(
    ("text", "spans"),
    [
        ("1-4", [(1, 4)]),
        ("1-4, 7-9", [(1, 4), (7, 9)]),
        ("5", [(5, 6)]),
        ("", []),
        (" 2-3 ,, 8 ", [(2, 3), (8, 9)]),
    ],
)
def test_parse(text, spans):
    assert parse(text) == SpanSet(spans)


@pytest.mark.parametrize("text", ["a-b", "1-", "1-2-3"])
def test_nonsense_is_named(text):
    with pytest.raises(ValueError, match="not a span"):
        parse(text)


def test_round_trip():
    assert str(parse("1-4,7-9")) == "1-4,7-9"
