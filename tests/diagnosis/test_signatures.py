"""The table against excerpts of real logs: what must be found, and what must not."""

from __future__ import annotations

import re

import pytest

from tests.diagnosis.excerpts import Excerpt, excerpts
from velora_tui.domain.failure import FailureClass
from velora_tui.grading.diagnose import diagnose, diagnose_error, first_sign
from velora_tui.grading.signatures import SIGNATURES, Source, signature_of

MATCHES, TEST_MATCHES, ERROR_MATCHES = (excerpts(f"match{of}") for of in ("", "_tests", "_errors"))
NO_MATCHES, NO_TEST_MATCHES = excerpts("no_match"), excerpts("no_match_tests")
REPAIRS = {
    "push-files",
    "git-init",
    "install-datasets",
    "unset-variable",
    "start-docker",
    "free-disk",
    "drop-runtime-images",
    "remove-lease",
    "kill-stray",
}
_RECORD = re.compile(r"^(?:\d\d:\d\d:\d\d - openhands:\w+: \S+ - |ERROR:root:|[\d :,-]+ - ERROR - )")
_AGENT_AT_WORK = """\
17:22:08 - openhands:INFO: conversation_stats.py:70 - Saved conversation stats
17:22:09 - ACTION
**CmdRunAction (source=EventSource.AGENT)**
COMMAND:
python -m pytest tests
17:22:11 - OBSERVATION
**CmdOutputObservation (source=None, exit code=0)**
12 passed in 0.31s
17:22:12 - ACTION
**AgentFinishAction (source=EventSource.AGENT)**"""


@pytest.mark.parametrize("excerpt", MATCHES, ids=str)
def test_a_known_failure_is_found(excerpt: Excerpt) -> None:
    failure = diagnose(excerpt.phase, excerpt.lines, "it ended with status 1")
    assert failure.signature == excerpt.name
    known = signature_of(excerpt.name)
    assert known is not None
    assert (failure.failure_class, failure.repair) == (known.failure_class, known.repair)
    assert failure.line is not None
    assert failure.evidence is not None
    assert excerpt.lines[failure.line - 1][1].strip().startswith(failure.evidence)


@pytest.mark.parametrize("excerpt", MATCHES, ids=str)
def test_the_same_words_in_what_the_agent_sees_are_its_own_matter(excerpt: Excerpt) -> None:
    seen = [_RECORD.sub("", line) for line in excerpt.text.splitlines() if not line.startswith(("  File", "velora: "))]
    seen = [re.sub(r"^\S*\.sh: line", "bash: line", line) for line in seen]
    log = ["17:22:07 - OBSERVATION", *seen, *_AGENT_AT_WORK.splitlines()]
    assert diagnose("trajectory", enumerate(log, start=1), "").signature == "trajectory-failed"


@pytest.mark.parametrize("excerpt", TEST_MATCHES, ids=str)
def test_the_same_words_of_the_tests_are_no_failure_of_the_evaluation(excerpt: Excerpt) -> None:
    log = ["Restoring test files", "Running make test", *excerpt.text.splitlines(), "Tests ended with status 2"]
    assert diagnose("evaluation", enumerate(log, start=1), "").signature == "evaluation-failed"


@pytest.mark.parametrize("excerpt", NO_MATCHES, ids=str)
def test_ordinary_words_are_no_failure(excerpt: Excerpt) -> None:
    failure = diagnose(excerpt.phase, excerpt.lines, "it ended with status 1")
    assert (failure.signature, failure.repair) == (f"{excerpt.phase}-failed", None)
    assert failure.message == "it ended with status 1"


@pytest.mark.parametrize("excerpt", TEST_MATCHES, ids=str)
def test_why_no_test_ran_is_found(excerpt: Excerpt) -> None:
    found = first_sign(Source.TESTS, excerpt.lines)
    assert found is not None
    assert found[0].id == excerpt.name


@pytest.mark.parametrize("excerpt", ERROR_MATCHES, ids=str)
def test_why_the_agent_ended_is_found_in_its_output(excerpt: Excerpt) -> None:
    failure = diagnose_error(excerpt.text)
    assert failure is not None
    known = signature_of(excerpt.name)
    assert known is not None
    assert (failure.signature, failure.failure_class) == (known.id, known.failure_class)


@pytest.mark.parametrize("excerpt", NO_TEST_MATCHES, ids=str)
def test_ordinary_test_output_shows_no_cause(excerpt: Excerpt) -> None:
    assert first_sign(Source.TESTS, excerpt.lines) is None


def test_every_signature_has_an_excerpt() -> None:
    shown = {excerpt.name for excerpt in (*MATCHES, *TEST_MATCHES, *ERROR_MATCHES)}
    assert {signature.id for signature in SIGNATURES} == shown


def test_more_must_not_match_than_must() -> None:
    must = len(MATCHES) + len(TEST_MATCHES) + len(ERROR_MATCHES)
    the_same_words_elsewhere = len(MATCHES) + len(TEST_MATCHES)
    ordinary = len(NO_MATCHES) + len(NO_TEST_MATCHES)
    assert must >= 300
    assert ordinary >= 200
    assert ordinary + the_same_words_elsewhere > must


def test_every_repair_is_one_that_there_is() -> None:
    assert {signature.repair for signature in SIGNATURES if signature.repair} <= REPAIRS


def test_every_signature_says_what_to_do() -> None:
    for signature in SIGNATURES:
        assert signature.message
        assert signature.remedy
        assert signature.failure_class is not FailureClass.BUG
