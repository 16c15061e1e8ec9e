import pytest

from pennywise import Money


def eur(minor):
    return Money("EUR", minor)


def test_addition_and_subtraction():
    assert eur(150) + eur(50) == eur(200)
    assert eur(150) - eur(200) == eur(-50)


def test_currencies_do_not_mix():
    with pytest.raises(ValueError, match="don't add up"):
        eur(1) + Money("USD", 1)


def test_minor_units_are_whole():
    with pytest.raises(TypeError):
        eur(1.5)


@pytest.mark.parametrize(("minor", "text"), [(0, "EUR 0.00"), (5, "EUR 0.05"), (123450, "EUR 1234.50")])
def test_str(minor, text):
    assert str(eur(minor)) == text


@pytest.mark.parametrize(
    ("minor", "percent", "expected"),
    [(1000, 19, 190), (50, 1, 0), (150, 1, 2), (250, 1, 2), (350, 1, 4), (-150, 1, -2)],
)
def test_percent_rounds_to_even(minor, percent, expected):
    assert eur(minor).percent(percent) == eur(expected)


@pytest.mark.parametrize(
    ("minor", "ratios", "expected"),
    [(100, [1, 1], [50, 50]), (5, [1, 1], [3, 2]), (100, [1, 1, 1], [34, 33, 33]), (10, [0, 1], [0, 10])],
)
def test_allocate(minor, ratios, expected):
    assert eur(minor).allocate(ratios) == [eur(part) for part in expected]


@pytest.mark.parametrize("ratios", [[0, 0], [-1, 2]])
def test_ratios_must_be_positive(ratios):
    with pytest.raises(ValueError, match="positive"):
        eur(10).allocate(ratios)
