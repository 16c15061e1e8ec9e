"""Reading amounts."""

import re

from pennywise.money import Money

_AMOUNT = re.compile(r"([A-Z]{3}) (\d{1,3}(?:,\d{3})*|\d+)(?:\.(\d{1,2}))?")


def parse(text):
    """Read `EUR 1,234.50`."""
    match = _AMOUNT.fullmatch(text.strip())
    if not match:
        raise ValueError(f"not an amount: {text!r}")
    currency, major, minor = match.groups()
    return Money(currency, int(major.replace(",", "")) * 100 + int(minor or 0))
