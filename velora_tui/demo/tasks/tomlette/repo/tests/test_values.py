import pytest

from tomlette.values import read_value


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("1", 1),
        ("-7", -7),
        ("2.5", 2.5),
        ("true", True),
        ('"words"', "words"),
        (r'"tab\tquote\""', 'tab\tquote"'),
        ("[1, 2, 3]", [1, 2, 3]),
        ("[]", []),
        ('["a", "b"]', ["a", "b"]),
    ],
)
def test_read_value(text, value):
    assert read_value(text) == value


@pytest.mark.parametrize("text", ["", '"open', "[1, 2", "word", r'"\q"'])
def test_nonsense_is_refused(text):
    with pytest.raises(ValueError, match="."):
        read_value(text)
