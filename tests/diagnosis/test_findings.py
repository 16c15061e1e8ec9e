"""What is suspicious about results that came to their end."""

from __future__ import annotations

from typing import Any

import pytest

from velora_tui.domain.events import Summary, now
from velora_tui.domain.failure import FailureClass, Finding
from velora_tui.domain.report import Counts, Evidence, Flag, ListVerdict, Outcome, Status, TestResult, Verdict
from velora_tui.domain.result import AttemptResult, HarnessVerdict, Provenance
from velora_tui.grading.findings import ResultFiles, diagnose_result

CODE = "diff --git a/src/cart.py b/src/cart.py\n--- a/src/cart.py\n+++ b/src/cart.py\n@@ -1 +1 @@\n-x\n+y\n"
OUTPUT = "eval_outputs/task-1/test_output.txt"
PATCH = "eval_outputs/task-1/patch.diff"


def added(path: str, lines: int = 1) -> str:
    body = "+z\n" * lines
    head = f"diff --git a/{path} b/{path}\nnew file mode 100644\n--- /dev/null\n+++ b/{path}\n"
    return f"{head}@@ -0,0 +1,{lines} @@\n{body}"


def verdict(statuses: dict[str, Status], *, gradeable: bool = True, flags: tuple[Flag, ...] = ()) -> Verdict:
    tests = {
        name: TestResult(
            name=name,
            status=status,
            evidence=None if status is Status.MISSING else Evidence(line=number, offset=0, rule="x"),
        )
        for number, (name, status) in enumerate(statuses.items(), start=10)
    }
    listed = [name for name in statuses if not name.startswith("other")]
    good = tuple(name for name in listed if statuses[name] is Status.PASSED)
    return Verdict(
        instance_id="task-1",
        parser="pytest",
        gradeable=gradeable,
        resolved=gradeable and len(good) == len(listed),
        tests=tests,
        fail_to_pass=ListVerdict(success=good, failure=tuple(name for name in listed if name not in good)),
        pass_to_pass=ListVerdict(),
        counts=Counts(passed=len(good)),
        flags=flags,
        reason=None if gradeable else "no test result was found",
    )


def result(
    outcome: Outcome = Outcome.RESOLVED, *, patch_bytes: int = 5_000, history: int = 80, **changes: Any
) -> AttemptResult:
    fields: dict[str, Any] = {
        "run": "01RUN",
        "attempt": 1,
        "task": "task-1",
        "repo": "a/b",
        "model": "llm.gpt",
        "run_number": 1,
        "outcome": outcome,
        "summary": Summary(patch_bytes=patch_bytes, history=history),
        "verdict": verdict({"t::a": Status.PASSED}),
        "phase_seconds": {},
        "provenance": Provenance(
            by="x",
            instance="eval1",
            host="h",
            started_at=None,
            recorded_at=now(),
            recipe="native",
            image="i",
            velora_version="0",
        ),
    }
    return AttemptResult(**{**fields, **changes})


def unreadable(**files: Any) -> tuple[Finding, ...]:
    missing = verdict({"t::a": Status.MISSING}, gradeable=False)
    return diagnose_result(result(Outcome.EVAL_ERROR, verdict=missing), ResultFiles(patch=CODE, **files))


def test_a_sound_result_shows_nothing() -> None:
    assert diagnose_result(result(), ResultFiles(patch=CODE)) == ()
    assert diagnose_result(result()) == ()


def test_why_no_test_was_parsed_with_its_line() -> None:
    (found,) = unreadable(test_output=[(1, ""), (2, "bash: line 1: cd: /app/repo: No such file or directory")])
    assert (found.id, found.failure_class) == ("tests-no-repository", FailureClass.TASK)
    assert (found.file, found.line) == (OUTPUT, 2)
    assert found.evidence == "bash: line 1: cd: /app/repo: No such file or directory"


def test_a_patch_that_breaks_imports_is_the_models_doing() -> None:
    (found,) = unreadable(test_output=[(1, "ImportError while loading conftest '/app/repo/tests/conftest.py'.")])
    assert (found.id, found.failure_class) == ("tests-conftest", FailureClass.AGENT)
    assert "gold patch" in found.remedy


def test_a_machine_that_lacks_memory_is_not_the_models_doing() -> None:
    (found,) = unreadable(test_output=[(1, "tests/test_a.py ..."), (2, "Killed")])
    assert (found.id, found.failure_class, found.line) == ("tests-killed", FailureClass.INFRASTRUCTURE, 2)


def test_tests_without_output_are_explained_by_the_runs_log() -> None:
    (found,) = unreadable(run_log=[(3, "Error response from daemon: No such image: a:b")])
    assert (found.id, found.file, found.line) == ("image-gone", "eval_outputs/task-1/run_instance.log", 3)
    (silent,) = unreadable()
    assert (silent.id, silent.failure_class) == ("test-output-empty", FailureClass.INFRASTRUCTURE)


def test_output_that_nobody_knows_shows_its_last_line() -> None:
    (found,) = unreadable(test_output=[(1, "one"), (2, "the gizmo is stuck"), (3, "")])
    assert (found.id, found.line, found.evidence) == ("no-tests-parsed", 2, "the gizmo is stuck")
    assert "no test result was found" in found.cause


def test_an_error_of_the_agent_with_a_patch() -> None:
    error = "RuntimeError: Agent reached maximum iteration. Current iteration: 200, max iteration: 200"
    (found,) = diagnose_result(result(), ResultFiles(patch=CODE, error=error, error_line=1))
    assert (found.id, found.file, found.line) == ("agent-limit", "output.jsonl", 1)
    assert "until then was graded" in found.cause
    (unknown,) = diagnose_result(result(), ResultFiles(patch=CODE, error="what"))
    assert (unknown.id, unknown.evidence) == ("agent-error", "what")


@pytest.mark.parametrize(
    ("size", "id_"), [(999, "patch-small"), (100_001, "patch-large"), (80, "no-patch"), (0, "no-patch")]
)
def test_a_patch_of_an_unusual_size(size: int, id_: str) -> None:
    patch = CODE + added("src/data.py", 40)
    outcome = Outcome.NO_PATCH if size <= 100 else Outcome.UNRESOLVED
    (found,) = diagnose_result(result(outcome, patch_bytes=size), ResultFiles(patch=patch))
    assert found.id == id_
    assert found.failure_class is FailureClass.AGENT
    if id_ == "patch-large":
        assert "src/data.py" in found.cause
        assert (found.file, found.line) == (PATCH, 7)


@pytest.mark.parametrize("size", [1_000, 100_000])
def test_a_patch_at_the_limits_is_usual(size: int) -> None:
    assert diagnose_result(result(patch_bytes=size), ResultFiles(patch=CODE)) == ()


@pytest.mark.parametrize(
    ("patch", "id_", "line"),
    [
        (added("tests/test_cart.py"), "patch-only-tests", 1),
        (added("src/cart.test.ts") + added("spec/models/cart_spec.rb"), "patch-only-tests", 1),
        (added("src/main/java/CartTest.java"), "patch-only-tests", 1),
        (added("exit_code") + added("stdout"), "patch-only-litter", 1),
        (CODE + added("stdout"), "patch-litter", 7),
        (added("node_modules/a/b.js"), "patch-only-generated", 1),
        (CODE + added("src/__pycache__/a.pyc"), "patch-generated", 7),
        (added("reproduce_issue.py"), "patch-only-reproduction", 1),
    ],
)
def test_a_patch_of_files_that_fix_nothing(patch: str, id_: str, line: int) -> None:
    (found,) = diagnose_result(result(Outcome.UNRESOLVED), ResultFiles(patch=patch))
    assert (found.id, found.file, found.line) == (id_, PATCH, line)
    assert found.evidence == patch.splitlines()[line - 1]


@pytest.mark.parametrize(
    "patch",
    [
        CODE + added("tests/test_cart.py"),
        CODE + added("reproduce_issue.py"),
        added("src/contest.py"),
        added("src/attestation/key.py"),
        added("src/stdout.py"),
        added("src/latest.ts"),
        "",
        "no diff at all",
    ],
)
def test_a_patch_with_code_is_as_it_should_be(patch: str) -> None:
    assert diagnose_result(result(), ResultFiles(patch=patch)) == ()


def test_a_verdict_that_differs_shows_the_test_that_decides() -> None:
    ours = verdict({"t::a": Status.FAILED, "t::b": Status.PASSED})
    (found,) = diagnose_result(
        result(Outcome.UNRESOLVED, verdict=ours, harness_verdict=HarnessVerdict(resolved=True), verdicts_differ=True)
    )
    assert (found.id, found.evidence, found.file, found.line) == ("harness-differs", "t::a", OUTPUT, 10)
    assert "said resolved" in found.cause
    assert found.repair == "push-files"


def test_names_that_are_nowhere_in_the_output() -> None:
    ours = verdict({"t::a": Status.MISSING, "t::b": Status.MISSING, "other::c": Status.PASSED})
    (found,) = diagnose_result(result(Outcome.UNRESOLVED, verdict=ours))
    assert (found.id, found.failure_class, found.line) == ("names-differ", FailureClass.TASK, 12)
    partly = verdict({"t::a": Status.MISSING, "t::b": Status.PASSED, "other::c": Status.PASSED})
    assert diagnose_result(result(Outcome.UNRESOLVED, verdict=partly)) == ()


@pytest.mark.parametrize(("history", "id_"), [(4, "history-short"), (201, "history-long")])
def test_a_trajectory_of_an_unusual_length(history: int, id_: str) -> None:
    (found,) = diagnose_result(result(history=history))
    assert found.id == id_


def test_each_kind_of_flag_is_explained_once() -> None:
    flags = tuple(Flag(id="ambiguous-name", detail="two fit", test="t::a") for _ in range(3))
    run_flags = (Flag(id="old-trajectory", detail="begun at 9"), Flag(id="never-heard-of", detail="x"))
    found = diagnose_result(result(verdict=verdict({"t::a": Status.PASSED}, flags=flags), flags=run_flags))
    assert [finding.id for finding in found] == ["old-trajectory", "ambiguous-name"]
    assert found[0].evidence == "begun at 9"
    assert (found[1].line, found[1].file) == (10, OUTPUT)
    assert "(3 times)" in found[1].cause


def test_an_agent_that_died_explains_a_missing_patch_also_where_only_its_flag_is_read() -> None:
    died = Flag(id="agent-error", detail="the agent died: litellm.exceptions.APITimeoutError: Request timed out.")
    found = diagnose_result(result(Outcome.NO_PATCH, patch_bytes=0, verdict=None, flags=(died,)))

    assert "no-patch" not in {finding.id for finding in found}
    assert "llm-timeout" in {finding.id for finding in found}
