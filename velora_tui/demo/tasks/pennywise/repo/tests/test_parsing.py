import pytest

from pennywise import Money, parse


@pytest.mark.parametrize(
    ("text", "minor"),
    [("EUR 1", 100), ("EUR 1.50", 150), ("EUR 1,234.50", 123450), (" EUR 0.05 ", 5), ("EUR 1234567", 123456700)],
)
def test_parse(text, minor):
    assert parse(text) == Money("EUR", minor)


@pytest.mark.parametrize("text", ["", "EUR", "1.50", "EUR 1,23", "EUR 1.505", "eur 1"])
def test_nonsense_is_refused(text):
    with pytest.raises(ValueError, match="not an amount"):
        parse(text)
