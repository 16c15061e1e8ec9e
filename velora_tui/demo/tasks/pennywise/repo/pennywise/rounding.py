"""Whole-number division that rounds to even."""


def divide(numerator, denominator):
    """Return the quotient rounded to the nearest whole number, ties to even."""
    if denominator <= 0:
        raise ValueError("denominator must be positive")
    quotient, rest = divmod(numerator, denominator)
    double = 2 * rest
    if double > denominator or (double == denominator and quotient % 2):
        quotient += 1
    return quotient
