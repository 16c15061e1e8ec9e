"""Statistics against published values, brute force and their own definitions."""

from __future__ import annotations

from itertools import combinations
from statistics import fmean

import pytest
from hypothesis import given
from hypothesis import strategies as st

from velora_tui.domain.statistics import bootstrap, pass_at_k, quantile, sign_test, wilson


@pytest.mark.parametrize(
    ("successes", "trials", "low", "high"),
    [
        # R. G. Newcombe (1998), "Two-sided confidence intervals for the single proportion", table I, method 3.
        (81, 263, 0.2553, 0.3662),
        (15, 148, 0.0624, 0.1605),
        (0, 20, 0.0, 0.1611),
        (1, 29, 0.0061, 0.1718),
    ],
)
def test_wilson_agrees_with_the_published_values(successes: int, trials: int, low: float, high: float) -> None:
    assert wilson(successes, trials) == pytest.approx((low, high), abs=5e-5)


@given(st.integers(0, 400).flatmap(lambda trials: st.tuples(st.integers(0, trials), st.just(trials))))
def test_wilson_holds_the_proportion_and_is_symmetric(counts: tuple[int, int]) -> None:
    successes, trials = counts
    interval, mirrored = wilson(successes, trials), wilson(trials - successes, trials)

    assert 0 <= interval.low <= (successes / trials if trials else 0.5) <= interval.high <= 1
    assert (1 - mirrored.high, 1 - mirrored.low) == pytest.approx(interval)


@given(st.lists(st.booleans(), min_size=1, max_size=9), st.integers(1, 9))
def test_pass_at_k_is_the_share_of_draws_with_a_success(outcomes: list[bool], k: int) -> None:
    if k > len(outcomes):
        with pytest.raises(ValueError, match="pass@"):
            pass_at_k(len(outcomes), sum(outcomes), k)
        return

    assert pass_at_k(len(outcomes), sum(outcomes), k) == pytest.approx(fmean(map(any, combinations(outcomes, k))))


def test_pass_at_k_of_the_paper_s_formula_in_its_stable_form() -> None:
    def product(n: int, c: int, k: int) -> float:
        if n - c < k:
            return 1.0
        found = 1.0
        for i in range(n - c + 1, n + 1):
            found *= 1 - k / i
        return 1 - found

    for n, c, k in ((200, 13, 1), (200, 13, 10), (200, 13, 100), (8, 3, 8)):
        assert pass_at_k(n, c, k) == pytest.approx(product(n, c, k))


@given(st.lists(st.floats(0, 1e6), min_size=2, max_size=40))
def test_a_bootstrap_interval_lies_within_the_sample_and_is_always_the_same(sample: list[float]) -> None:
    interval = bootstrap(sample, rounds=50)

    assert interval is not None
    margin = 1e-6 * max(sample)
    assert min(sample) - margin <= interval.low <= interval.high <= max(sample) + margin
    assert bootstrap(sample, rounds=50) == bootstrap(sample[::-1], rounds=50) == interval


def test_a_bootstrap_interval_of_the_mean_is_about_two_standard_errors() -> None:
    sample = [float(value) for value in range(100)]
    interval = bootstrap(sample)

    assert interval is not None
    assert interval == pytest.approx((49.5 - 1.96 * 2.887, 49.5 + 1.96 * 2.887), abs=0.4)
    assert bootstrap([1.0]) is None


def test_quantiles_lie_between_neighbours() -> None:
    assert [quantile([1.0, 2.0, 4.0], share) for share in (0, 0.25, 0.5, 0.75, 1)] == [1, 1.5, 2, 3, 4]


@pytest.mark.parametrize(("better", "worse", "p"), [(0, 0, 1.0), (5, 0, 0.0625), (10, 2, 0.0385742), (3, 3, 1.0)])
def test_the_sign_test_is_the_exact_binomial_one(better: int, worse: int, p: float) -> None:
    assert sign_test(better, worse) == pytest.approx(p, abs=1e-6)
    assert sign_test(worse, better) == pytest.approx(p, abs=1e-6)
