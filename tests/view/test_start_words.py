"""What the start form proposes and says of runs that are there already."""

from __future__ import annotations

import pytest

from tests.ui.dashboard.build import attempt, run
from velora_tui.domain.events import AttemptState
from velora_tui.domain.report import Outcome
from velora_tui.view.start_words import existing_words, proposed_number

DONE = attempt("eval2", None, AttemptState.FINISHED, outcome=Outcome.NO_PATCH)
RUNS = [
    run("01A", "a/b", "t", "m", attempt("eval1", "image"), run_number=1),
    run("01B", "a/b", "t", "m", DONE, run_number=2),
    run("01C", "a/b", "t", "m", attempt(None, state=AttemptState.QUEUED), run_number=4),
]


@pytest.mark.parametrize(("wanted", "proposed"), [(1, 3), (2, 2), (3, 3), (4, 5), (7, 7)])
def test_a_number_is_proposed_that_can_be_started(wanted: int, proposed: int) -> None:
    assert proposed_number(RUNS, wanted) == proposed


@pytest.mark.parametrize(
    ("number", "wanted", "words"),
    [
        (1, 1, "run 1 of it is running on eval1: stop it, or take run 3"),
        (3, 1, "run 1 of it is running on eval1: this is run 3 of it"),
        (2, 2, "run 2 of it is no patch: this makes attempt 2 of it"),
        (4, 4, "run 4 of it is queued: stop it, or take run 5"),
        (3, 3, ""),
        (8, 2, ""),
    ],
)
def test_what_a_start_would_be_is_said(number: int, wanted: int, words: str) -> None:
    assert existing_words(RUNS, number, wanted) == words
