"""What a handful of runs says about a model, with intervals: proportions, pass@k, means, paired comparisons."""

from __future__ import annotations

import math
import random
from collections.abc import Callable, Sequence
from statistics import NormalDist, fmean
from typing import NamedTuple

CONFIDENCE = 0.95
BOOTSTRAP_ROUNDS = 2000
_SEED = 20260123


class Interval(NamedTuple):
    """A two-sided confidence interval."""

    low: float
    high: float


def wilson(successes: int, trials: int, confidence: float = CONFIDENCE) -> Interval:
    """Return Wilson's score interval of a proportion; no trials leave everything possible. Raises ValueError.

    E. B. Wilson (1927), "Probable Inference, the Law of Succession, and Statistical Inference", JASA 22.
    """
    if not 0 <= successes <= trials:
        raise ValueError(f"{successes} successes in {trials} trials")
    if trials == 0:
        return Interval(0.0, 1.0)
    z = NormalDist().inv_cdf((1 + confidence) / 2)
    share, scale = successes / trials, 1 + z * z / trials
    centre = (share + z * z / (2 * trials)) / scale
    reach = z / scale * math.sqrt(share * (1 - share) / trials + z * z / (4 * trials * trials))
    low = 0.0 if successes == 0 else max(0.0, centre - reach)
    high = 1.0 if successes == trials else min(1.0, centre + reach)
    return Interval(low, high)


def pass_at_k(runs: int, successes: int, k: int) -> float:
    """Return the unbiased estimate of pass@k of one task: 1 - C(runs - successes, k) / C(runs, k). Raises ValueError.

    M. Chen et al. (2021), "Evaluating Large Language Models Trained on Code", arXiv 2107.03374.
    """
    if not (0 <= successes <= runs and 1 <= k <= runs):
        raise ValueError(f"pass@{k} of {successes} successes in {runs} runs")
    return 1.0 - math.comb(runs - successes, k) / math.comb(runs, k)


def bootstrap(
    sample: Sequence[float],
    statistic: Callable[[Sequence[float]], float] = fmean,
    *,
    confidence: float = CONFIDENCE,
    rounds: int = BOOTSTRAP_ROUNDS,
) -> Interval | None:
    """Return the percentile bootstrap interval of `statistic`; None for fewer than two values.

    The random numbers are always the same, and the order of the values counts for nothing: so is the answer.
    """
    if len(sample) < 2:
        return None
    chance, ordered = random.Random(_SEED), sorted(sample)
    found = sorted(statistic(chance.choices(ordered, k=len(ordered))) for _ in range(rounds))
    tail = (1 - confidence) / 2
    return Interval(quantile(found, tail), quantile(found, 1 - tail))


def quantile(ordered: Sequence[float], share: float) -> float:
    """Return a quantile of values in ascending order, between two neighbours in proportion. Raises ValueError."""
    if not ordered:
        raise ValueError("no values")
    place = share * (len(ordered) - 1)
    below = math.floor(place)
    above = min(below + 1, len(ordered) - 1)
    return ordered[below] + (ordered[above] - ordered[below]) * (place - below)


def sign_test(better: int, worse: int) -> float:
    """Return the two-sided exact p value that changes either way are equally likely (McNemar's exact test)."""
    changes = better + worse
    tail = sum(math.comb(changes, count) for count in range(min(better, worse) + 1))
    return min(1.0, 2.0 * tail / (1 << changes))
