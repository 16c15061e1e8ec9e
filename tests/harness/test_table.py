"""Every row of HARNESS.md's table of exits, and every trap, in both versions of the script."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass

import pytest

from tests.harness.bench import Bench, Shown, joined_logs
from velora_tui.domain.events import AttemptState, PhaseState
from velora_tui.domain.failure import FailureClass
from velora_tui.domain.report import Outcome
from velora_tui.store.results import load_result

BOTH, JANUARY, FEBRUARY = ("january", "february"), ("january",), ("february",)
INFRA, AGENT, TASK = FailureClass.INFRASTRUCTURE, FailureClass.AGENT, FailureClass.TASK


@dataclass(frozen=True)
class Failing:
    """A row that ends in a failure: its class, signature, phase, and what its line of evidence matches."""

    case: str
    failure_class: FailureClass
    signature: str
    phase: str
    evidence: str
    versions: tuple[str, ...] = BOTH


@dataclass(frozen=True)
class Finishing:
    """A row that ends in an outcome; `harness` is what the script itself said."""

    case: str
    outcome: Outcome
    harness: bool | None = None
    flags: tuple[str, ...] = ()
    skipped: tuple[str, ...] = ()
    versions: tuple[str, ...] = BOTH


NO_PATCH = ("evaluation",)
FAILING = (
    Failing("dataset-missing", INFRA, "dataset-missing", "image", "Dataset file not found"),
    Failing("dataset-broken", TASK, "dataset-unreadable", "image", "={44}"),
    Failing("s3-404", TASK, "s3-missing", "image", r"\(404\)"),
    Failing("s3-403", INFRA, "s3-refused", "image", r"\(403\)"),
    Failing("s3-credentials", INFRA, "s3-refused", "image", "Unable to locate credentials"),
    Failing("docker-down", INFRA, "docker-daemon-down", "image", "Cannot connect to the Docker daemon"),
    Failing("tar-truncated", INFRA, "image-damaged", "image", "unexpected EOF"),
    Failing("disk-full", INFRA, "disk-full", "image", "No space left on device"),
    Failing("capitals", TASK, "image-name-capitals", "image", "must be lowercase", JANUARY),
    Failing("agent-buildx", INFRA, "docker-buildx", "trajectory", "docker buildx build"),
    Failing("agent-tmux", INFRA, "tmux-missing", "trajectory", "TmuxCommandNotFound"),
    Failing("agent-module", INFRA, "openhands-module", "trajectory", "No module named"),
    Failing("agent-buildx early-line", INFRA, "docker-buildx", "trajectory", "docker buildx build"),
    Failing("terminated early-line", INFRA, "terminated", "trajectory", "Terminated"),
    Failing("agent-model", AGENT, "model-unknown", "trajectory", "NotFoundError"),
    Failing("agent-vague", INFRA, "agent-gave-up", "trajectory", "ValueError: what"),
    Failing("agent-buildx skip-maximum", INFRA, "docker-buildx", "trajectory", "docker buildx build"),
    Failing("agent-vague skip-maximum", INFRA, "agent-gave-up", "trajectory", "too often"),
    Failing("llm-error", AGENT, "llm-timeout", "trajectory", "APITimeoutError"),
    Failing("output-missing", AGENT, "output-missing", "trajectory", "={44}"),
    Failing("two-records", INFRA, "output-two-records", "trajectory", "utput file"),
    Failing("terminated", INFRA, "terminated", "trajectory", "Terminated"),
    Failing("killed", INFRA, "out-of-memory", "trajectory", "Killed"),
    Failing("no-container", INFRA, "container-start", "evaluation", "Failed to start container"),
    Failing("other-run", INFRA, "verdict-void", "evaluation", "Output file", JANUARY),
    Failing("other-run", INFRA, "verdict-void", "report", "Found output file at", FEBRUARY),
    Failing("other-run other-no-patch", INFRA, "verdict-void", "trajectory", "Found output|Output file"),
    Failing("empty-but-graded", INFRA, "verdict-void", "report", "Found output|Output file"),
    Failing("resolved wrong-instance", INFRA, "verdict-void", "report", "Found output|Output file"),
    Failing("resolved wrong-model no-output-line", INFRA, "verdict-void", "report", "Found output|Output file"),
    Failing("old-trajectory no-output-line resolved", INFRA, "verdict-void", "report", "Found output|Output file"),
    Failing("resolved old-trajectory wrong-model", INFRA, "verdict-void", "report", "Found output|Output file"),
    Failing("output-missing no-output-line", AGENT, "output-missing", "trajectory", "={44}"),
    Failing("resolved not-utf8", AGENT, "output-broken", "report", "."),
    Failing("resolved huge", AGENT, "output-too-large", "report", "."),
)
FINISHING = (
    Finishing("resolved", Outcome.RESOLVED, harness=True),
    Finishing("unresolved", Outcome.UNRESOLVED, harness=False),
    Finishing("no-tests", Outcome.EVAL_ERROR, harness=False, flags=("harness-differs",)),
    Finishing("no-patch", Outcome.NO_PATCH, skipped=NO_PATCH),
    Finishing("short-patch", Outcome.NO_PATCH, skipped=NO_PATCH),
    Finishing("no-patch iteration-limit", Outcome.NO_PATCH, skipped=NO_PATCH),
    Finishing("falsely-resolved", Outcome.UNRESOLVED, harness=True, flags=("harness-differs",)),
    Finishing("resolved old-trajectory", Outcome.RESOLVED, harness=True, flags=("old-trajectory",)),
    Finishing("resolved wrong-model", Outcome.RESOLVED, harness=True, flags=("model-differs",)),
    Finishing("resolved named-model", Outcome.RESOLVED, harness=True, versions=JANUARY),
    Finishing("resolved short-model", Outcome.RESOLVED, harness=True, versions=FEBRUARY),
    Finishing("resolved key-error", Outcome.RESOLVED, harness=True, versions=JANUARY),
    Finishing("resolved no-metadata", Outcome.RESOLVED, harness=True, flags=("file-missing",)),
    Finishing("resolved early-line", Outcome.RESOLVED, harness=True),
    Finishing("unresolved container-again", Outcome.UNRESOLVED, harness=False),
    Finishing("resolved hostile-agent early-line", Outcome.RESOLVED, harness=True),
    Finishing("resolved hostile-agent", Outcome.RESOLVED, harness=True),
    Finishing("resolved loud", Outcome.RESOLVED, harness=True),
    Finishing("resolved no-output-line", Outcome.RESOLVED, harness=True),
    Finishing("resolved no-id", Outcome.RESOLVED, harness=True),
    Finishing("resolved old-names", Outcome.RESOLVED, harness=True),
    Finishing("resolved marked bar", Outcome.RESOLVED, harness=True, versions=JANUARY),
    Finishing("resolved copied-dataset hostile-agent", Outcome.RESOLVED, harness=True, versions=FEBRUARY),
    Finishing("resolved big", Outcome.RESOLVED, harness=True, versions=JANUARY),
    Finishing("no-patch big", Outcome.NO_PATCH, skipped=NO_PATCH, versions=FEBRUARY),
    Finishing("resolved dressed", Outcome.RESOLVED, harness=True),
    Finishing("resolved names-nothing", Outcome.RESOLVED, harness=True),
    Finishing("no-patch names-nothing", Outcome.NO_PATCH, skipped=NO_PATCH),
    Finishing("resolved no-banners", Outcome.RESOLVED, harness=True, skipped=("trajectory", "evaluation")),
)


def rows(table: tuple[Failing | Finishing, ...]) -> list[object]:
    return [
        pytest.param(row, version, id=f"{row.case.replace(' ', '+')}-{version}")
        for row in table
        for version in row.versions
    ]


@pytest.mark.parametrize(("row", "version"), rows(FAILING))
async def test_a_failure_is_classified_with_its_line(bench: Bench, row: Failing, version: str) -> None:
    shown = await bench.run(row.case, version)
    assert shown.attempt.state is AttemptState.FAILED
    failure = shown.failure
    assert (failure.failure_class, failure.signature, failure.phase) == (row.failure_class, row.signature, row.phase)
    assert failure.evidence
    assert re.search(row.evidence, failure.evidence)
    assert failure.message
    assert failure.remedy
    assert joined_logs(shown) == bench.job_log(shown)
    assert not shown.tree.exists()
    assert_line(shown)


@pytest.mark.parametrize(("row", "version"), rows(FINISHING))
async def test_an_outcome_comes_from_the_files(bench: Bench, row: Finishing, version: str) -> None:
    shown = await bench.run(row.case, version)
    assert shown.attempt.state is AttemptState.FINISHED, shown.attempt.failure
    assert shown.attempt.outcome is row.outcome
    result = load_result(shown.tree)
    assert result.outcome is row.outcome
    assert (result.harness_verdict.resolved if result.harness_verdict else None) is row.harness
    assert tuple(flag.id for flag in result.flags) == row.flags
    skipped = tuple(phase.name for phase in shown.attempt.phases if phase.state is PhaseState.SKIPPED)
    assert skipped == row.skipped
    assert joined_logs(shown) == bench.job_log(shown)
    assert_tree(shown)


def assert_line(shown: Shown) -> None:
    """The line that a failure names has its evidence, if it names one."""
    failure = shown.failure
    if failure.line is None or failure.signature in {"llm-timeout", "agent-gave-up", "output-two-records"}:
        return
    lines = shown.log(failure.phase or "").split(b"\n")
    assert failure.evidence
    words = re.sub(r"\W+", " ", failure.evidence)[:40]
    assert words in re.sub(r"\W+", " ", lines[failure.line - 1].decode("utf-8", "replace"))


def assert_tree(shown: Shown) -> None:
    """The harness's tree is whole, whichever files the script itself left out."""
    name = shown.run.task
    output = json.loads((shown.tree / "output.jsonl").read_bytes())
    assert output["instance_id"] in {name, ""}
    graded = json.loads((shown.tree / "eval_pilot2_output.jsonl").read_bytes())
    assert graded["instance_id"] == output["instance_id"]
    assert (graded.get("pilot2_eval_details") or graded["evaluation_details"])["instance_id"] == name
    assert name in json.loads((shown.tree / "eval_outputs" / name / "report.json").read_bytes())
    assert (shown.tree / "eval_outputs" / "report.json").is_file()
    assert len(list((shown.tree / "llm_completions" / name).iterdir())) == 3
    assert (shown.tree / "logs" / "instance.log").is_file()
    if shown.attempt.outcome is not Outcome.NO_PATCH:
        assert (shown.tree / "eval_outputs" / name / "patch.diff").read_text().startswith("diff --git")
        assert (shown.tree / "eval_outputs" / name / "test_output.txt").is_file()
