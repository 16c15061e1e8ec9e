import pytest

from pennywise.rounding import divide


@pytest.mark.parametrize(
    ("numerator", "denominator", "quotient"),
    [(5, 2, 2), (7, 2, 4), (-5, 2, -2), (-7, 2, -4), (10, 3, 3), (11, 3, 4), (0, 7, 0)],
)
def test_ties_go_to_even(numerator, denominator, quotient):
    assert divide(numerator, denominator) == quotient


def test_denominator_must_be_positive():
    with pytest.raises(ValueError, match="positive"):
        divide(1, 0)
