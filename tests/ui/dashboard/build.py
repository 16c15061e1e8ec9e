"""Fleets to look at, built by hand with a clock that stands still."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from velora_tui.domain.events import (
    AttemptState,
    ConnectionChanged,
    ConnectionState,
    PhaseProgressed,
    PhaseState,
    Summary,
)
from velora_tui.domain.failure import Failure, FailureClass
from velora_tui.domain.fleet import Fleet, FleetSection, Instance, Model
from velora_tui.domain.readiness import CheckResult, CheckStatus, Holder, Readiness
from velora_tui.domain.report import Outcome
from velora_tui.domain.run import RESULT_PHASE, Attempt, PhaseRun, Run
from velora_tui.domain.snapshot import FleetSnapshot, InstanceSnapshot

NOW = datetime(2026, 1, 15, 17, 0, 12, tzinfo=UTC)
PHASES = ("upload", "image", "trajectory", "evaluation", "report", "collect", "validate")
MODELS = {"llm.gpt": Model(label="gpt"), "llm.claude": Model(label="claude"), "llm.kimi": Model(label="kimi")}
HOSTILE = ("t.py::t[param-1]", "[/b]", "[red]x[/]", "\x1b[31mred\x1b[0m")


def ago(seconds: float) -> datetime:
    return NOW - timedelta(seconds=seconds)


def attempt(
    instance: str | None,
    phase: str | None = None,
    state: AttemptState = AttemptState.RUNNING,
    *,
    number: int = 1,
    seconds: float = 600,
    failure: Failure | None = None,
    outcome: Outcome | None = None,
    summary: Summary | None = None,
    stopping: bool = False,
    from_phase: str | None = None,
) -> Attempt:
    """An attempt that has come to `phase`; None: to the end, or nowhere if it is queued."""
    came_to = PHASES.index(phase) if phase else (0 if state is AttemptState.QUEUED else len(PHASES))
    now_state = {
        AttemptState.RUNNING: PhaseState.RUNNING,
        AttemptState.FAILED: PhaseState.FAILED,
        AttemptState.STOPPED: PhaseState.STOPPED,
    }
    took = (seconds - (60 if state.is_over else 30)) / max(1, min(came_to, len(PHASES) - 1))
    phases = []
    for place, name in enumerate(PHASES):
        if place < came_to:
            phases.append(PhaseRun(name=name, state=PhaseState.SUCCEEDED, seconds=0 if name == RESULT_PHASE else took))
        elif place == came_to and phase:
            phases.append(
                PhaseRun(name=name, state=now_state[state], started_at=ago(30 if came_to else seconds), failure=failure)
            )
        else:
            phases.append(PhaseRun(name=name))
    queued = state is AttemptState.QUEUED
    return Attempt(
        number=number,
        state=state,
        phases=tuple(phases),
        queued_at=ago(seconds + 5),
        instance=instance,
        started_at=None if queued else ago(seconds),
        ended_at=ago(60) if state.is_over else None,
        failure=failure,
        outcome=outcome,
        summary=summary or Summary(),
        stopping=stopping,
        from_phase=from_phase,
    )


def run(name: str, repo: str, task: str, model: str, *attempts: Attempt, run_number: int = 1) -> Run:
    return Run(
        run=name,
        task=task,
        repo=repo,
        model=model,
        run_number=run_number,
        recipe="native",
        max_iterations=200,
        dataset="d",
        created_at=ago(4000),
        created_by="me",
        attempts=attempts,
    )


def failure(signature: str, phase: str, line: int | None = 3, message: str = "the builder is gone") -> Failure:
    return Failure(
        failure_class=FailureClass.INFRASTRUCTURE,
        signature=signature,
        message=message,
        remedy="retry",
        phase=phase,
        line=line,
    )


def readiness(instance: str, disk: int = 41, seconds: float = 240) -> Readiness:
    full = disk >= 80
    return Readiness(
        instance=instance,
        checks=(
            CheckResult(id="ssh", status=CheckStatus.OK, blocking=True, detail="answers"),
            CheckResult(
                id="disk",
                status=CheckStatus.FAIL if full else CheckStatus.OK,
                blocking=True,
                detail=f"{disk} % used" + (", limit 80 %" if full else ""),
            ),
        ),
        at=ago(seconds),
    )


def refused(instance: str, words: str, seconds: float = 30) -> Readiness:
    """An instance whose SSH check failed with these words."""
    ssh = CheckResult(id="ssh", status=CheckStatus.FAIL, blocking=True, detail=words)
    disk = CheckResult(id="disk", status=CheckStatus.UNKNOWN, blocking=True)
    return Readiness(instance=instance, checks=(ssh, disk), at=ago(seconds))


def held(instance: str, *, stale: bool = False, operator: str = "user@laptop", run_id: str = "01FOREIGN") -> Readiness:
    """An instance that somebody else has, or has left."""
    reason = "no job of it runs, and the Velora that took it is gone" if stale else "its job is running"
    holder = Holder(operator=operator, run=run_id, attempt=2, since=ago(10_800), stale=stale, reason=reason)
    busy = CheckStatus.OK if stale else CheckStatus.FAIL
    checks = (
        CheckResult(id="ssh", status=CheckStatus.OK, blocking=True, detail="answers"),
        CheckResult(id="busy", status=busy, blocking=True, detail="" if stale else str(holder)),
    )
    return Readiness(instance=instance, checks=checks, at=ago(30), holder=holder)


def instance(
    name: str,
    a_run: Run | None = None,
    *,
    ready: Readiness | None = None,
    progress: PhaseProgressed | None = None,
    connection: ConnectionState = ConnectionState.CONNECTED,
    detail: str = "",
) -> InstanceSnapshot:
    return InstanceSnapshot(
        instance=Instance(name=name, host="local"),
        connection=ConnectionChanged(instance=name, state=connection, detail=detail, at=ago(100)),
        readiness=ready,
        run=a_run,
        progress=progress,
    )


def progressed(name: str, phase: str, done: int, total: int | None, unit: str, detail: str = "") -> PhaseProgressed:
    return PhaseProgressed(
        run=name, attempt=1, phase=phase, done=done, total=total, unit=unit, detail=detail, at=ago(1)
    )


def snapshot(
    *rows: InstanceSnapshot, queue: tuple[Run, ...] = (), others: tuple[Run, ...] = (), name: str = "swe-tes7"
) -> FleetSnapshot:
    runs = {row.run.run: row.run for row in rows if row.run} | {run.run: run for run in (*queue, *others)}
    fleet = Fleet(fleet=FleetSection(name=name), models=MODELS, instances=tuple(row.instance for row in rows))
    return FleetSnapshot(
        at=NOW,
        fleet=fleet,
        instances=rows,
        runs=runs,
        queue=tuple(run.run for run in queue),
        progress={row.progress.run: row.progress for row in rows if row.progress},
    )


def busy_fleet() -> FleetSnapshot:
    """Ten instances in every state."""
    done = AttemptState.FINISHED
    resolved = Summary(f2p=(3, 3), p2p=(99, 99), patch_bytes=12_000, history=41)
    unresolved = Summary(f2p=(0, 3), p2p=(98, 99), patch_bytes=68_370, history=80)
    sepal, requests, click = "12rambau/sepal_ui", "psf/requests", "pallets/click"
    waiting = (
        run("01Q1", requests, "5182905279", "llm.kimi", attempt(None, state=AttemptState.QUEUED, seconds=90)),
        run("01Q2", click, "1769880766", "llm.gpt", attempt("eval1", state=AttemptState.QUEUED, seconds=60)),
    )
    return snapshot(
        instance(
            "eval1",
            run("01A1", sepal, "1319603449", "llm.gpt", attempt("eval1", "trajectory", seconds=761)),
            ready=readiness("eval1"),
            progress=progressed("01A1", "trajectory", 42, 200, "steps", "edit sepal_ui/aoi/aoi_model.py"),
        ),
        instance(
            "eval2",
            run("01A2", requests, "5182905279", "llm.claude", attempt("eval2", "evaluation", seconds=962)),
            ready=readiness("eval2"),
            progress=progressed("01A2", "evaluation", 57, None, "tests", "Running tests"),
        ),
        instance(
            "eval3",
            run(
                "01A3",
                click,
                "1769880766",
                "llm.kimi",
                attempt("eval3", "image", AttemptState.FAILED, seconds=127, failure=failure("docker-buildx", "image")),
            ),
            ready=readiness("eval3"),
        ),
        instance("eval4", ready=readiness("eval4", disk=91, seconds=20)),
        instance(
            "eval5",
            run(
                "01A5",
                "iterative/dvc",
                "0920921",
                "llm.gpt",
                attempt("eval5", "trajectory", seconds=1275),
                run_number=2,
            ),
            progress=progressed("01A5", "trajectory", 161, 200, "steps", "run pytest tests/unit"),
        ),
        instance(
            "eval6",
            run("01A6", "Project-MONAI/MONAI", "2436", "llm.claude", attempt("eval6", "image", seconds=48)),
            progress=progressed("01A6", "image", 2_100_000_000, 2_900_000_000, "bytes"),
        ),
        instance(
            "eval9",
            run(
                "01A9",
                requests,
                "5182905279",
                "llm.gpt",
                attempt("eval9", None, done, seconds=1192, outcome=Outcome.RESOLVED, summary=resolved),
            ),
        ),
        instance(
            "lancer1",
            run(
                "01L1",
                sepal,
                "1319603449",
                "llm.kimi",
                attempt("lancer1", None, done, seconds=920, outcome=Outcome.UNRESOLVED, summary=unresolved),
            ),
        ),
        instance(
            "lancer2",
            run("01L2", click, "1769880766", "llm.claude", attempt("lancer2", "collect", seconds=1173)),
            progress=progressed("01L2", "collect", 312, 500, "files"),
        ),
        instance("lancer3", ready=readiness("lancer3")),
        queue=waiting,
    )
