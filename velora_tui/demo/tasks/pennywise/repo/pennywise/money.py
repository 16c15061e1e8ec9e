"""Amounts in minor units."""

from pennywise.rounding import divide


class Money:
    """An amount of `minor` units (cents) in a currency."""

    __slots__ = ("currency", "minor")

    def __init__(self, currency, minor):
        if not isinstance(minor, int):
            raise TypeError("minor units are whole numbers")
        self.currency = currency
        self.minor = minor

    def __repr__(self):
        return f"Money({self.currency!r}, {self.minor!r})"

    def __str__(self):
        return f"{self.currency} {self.minor // 100}.{self.minor % 100:02d}"

    def __eq__(self, other):
        if not isinstance(other, Money):
            return NotImplemented
        return (self.currency, self.minor) == (other.currency, other.minor)

    def __hash__(self):
        return hash((self.currency, self.minor))

    def __add__(self, other):
        self._same_currency(other)
        return Money(self.currency, self.minor + other.minor)

    def __sub__(self, other):
        self._same_currency(other)
        return Money(self.currency, self.minor - other.minor)

    def __neg__(self):
        return Money(self.currency, -self.minor)

    def percent(self, percent):
        """Return `percent` % of the amount, rounded to even."""
        return Money(self.currency, divide(self.minor * percent, 100))

    def allocate(self, ratios):
        """Share the amount out by whole-number ratios; the parts sum up to it, early parts get the odd units."""
        total = sum(ratios)
        if total <= 0 or min(ratios) < 0:
            raise ValueError("ratios must be positive")
        parts = [int(self.minor * ratio / total) for ratio in ratios]
        rest = self.minor - sum(parts)
        for index in range(rest):
            parts[index] += 1
        return [Money(self.currency, part) for part in parts]

    def _same_currency(self, other):
        if self.currency != other.currency:
            raise ValueError(f"{self.currency} and {other.currency} don't add up")
