"""Our own verdict on an imported run, from its files alone."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any

from velora_tui import __version__
from velora_tui.domain.agent_error import is_own_doing
from velora_tui.domain.events import Summary, now
from velora_tui.domain.listing import HARNESS_DIFFERS, ResultRow, row_of
from velora_tui.domain.report import Flag, Outcome, QualityCheck, Verdict
from velora_tui.domain.result import EVALUATION_FAILED, AttemptResult, Flip, Provenance, verdicts_differ
from velora_tui.domain.task import Task
from velora_tui.grading.blame import NO_OUTPUT, with_blame
from velora_tui.grading.grade import grade
from velora_tui.grading.judge import RunFacts, judge
from velora_tui.grading.patch import clean_patch, split_files
from velora_tui.grading.second_opinion import Claims, second_opinion
from velora_tui.pipeline.imported.evidence import Output, RunFiles, runs_of
from velora_tui.pipeline.imported.identity import Identity, identify, own_attempt, run_times
from velora_tui.pipeline.imported.tasks import GradingTask, NoTask, require_parser, task_of_record
from velora_tui.store.results import load_result
from velora_tui.store.trees import RunFolder

Tasks = Mapping[str, Task]


@dataclass(frozen=True)
class Assessed:
    """A run and its row; `result` is what Velora says of it."""

    row: ResultRow
    result: AttemptResult


def assess(found: RunFolder, tasks: Tasks, batch: str) -> tuple[list[Assessed], list[str]]:
    """Return the runs of a folder, graded by `tasks` where it has them, and what was wrong. Blocks.

    Raises StoreError for a velora.json that can't be read, and OSError.
    """
    if found.is_ours:
        return [of_ours(found.folder, load_result(found.folder), batch)], []
    runs, problems = runs_of(found)
    assessed = [_assess(files, tasks, _key(found, place), batch) for place, files in enumerate(runs)]
    return assessed, list(dict.fromkeys((*problems, *(problem for files in runs for problem in files.problems))))


def of_ours(folder: Path, result: AttemptResult, batch: str) -> Assessed:
    """Return a result of Velora's with its row."""
    content = f"{result.run}.{result.attempt}"
    return Assessed(row_of(result, origin="velora", folder=str(folder), content=content, batch=batch), result)


def as_copy(assessed: Assessed) -> Assessed:
    """Return a result of Velora's that lies outside the operator's own folder, with a key of its own."""
    row = assessed.row
    digest = hashlib.blake2b(f"{row.folder}\0{row.key}".encode("utf-8", "surrogateescape"), digest_size=10).hexdigest()
    return Assessed(replace(row, key=f"v{digest}"), assessed.result)


def _key(found: RunFolder, place: int) -> str:
    path = f"{found.folder}\0{place}".encode("utf-8", "surrogateescape")
    return f"i{hashlib.blake2b(path, digest_size=10).hexdigest()}"


@dataclass(frozen=True)
class _Judged:
    """The verdict with what led to it."""

    outcome: Outcome
    verdict: Verdict | None
    is_verified: bool
    flips: tuple[Flip, ...] = ()
    flags: tuple[Flag, ...] = ()


def _assess(files: RunFiles, tasks: Tasks, key: str, batch: str) -> Assessed:
    identity = identify(files.found.folder, files.record, files.metadata, files.evaluated)
    patch, output, claims = files.patch, files.test_output(), files.claims()
    cleaned = clean_patch(patch).text if patch is not None else None
    judged = _judge(files, identity, tasks, cleaned, output, claims)
    facts = _facts(files, judged, claims, cleaned, output)
    started_at, seconds = run_times(files.record, files.metadata)
    instance = files.record.get("instance")
    result = AttemptResult(
        run=key,
        attempt=1,
        task=identity.task,
        repo=identity.repo,
        model=identity.model,
        run_number=identity.run_number,
        outcome=judged.outcome,
        summary=_summary(files, judged, claims, facts, judge(facts)),
        verdict=judged.verdict,
        harness_verdict=claims.verdict if claims.says_something else None,
        verdicts_differ=judged.is_verified and verdicts_differ(claims.verdict, judged.verdict),
        is_verified=judged.is_verified,
        flips=judged.flips,
        flags=(*judged.flags, *_run_flags(files, identity, judged, facts, cleaned)),
        phase_seconds={"trajectory": seconds} if seconds is not None else {},
        provenance=Provenance(
            by="",
            instance="",
            host="",
            started_at=started_at,
            recorded_at=now(),
            recipe="",
            image=str(instance.get("image_storage_uri") or "") if isinstance(instance, dict) else "",
            velora_version=__version__,
            source=str(files.found.folder),
        ),
    )
    content = _content(files.record, identity, patch, started_at) if files.has_record else ""
    content = own_attempt(files.found.folder, files.metadata) or content
    return Assessed(
        row_of(result, origin="import", folder=str(files.found.folder), content=content, batch=batch), result
    )


def _judge(
    files: RunFiles, identity: Identity, tasks: Tasks, patch: str | None, output: Output | None, claims: Claims
) -> _Judged:
    """Return our verdict; the harness's where we can't have one of our own."""
    if patch is not None and not patch.strip():
        graded = Flag(id="no-patch-graded", detail="the harness calls it resolved, but there is no patch")
        return _Judged(Outcome.NO_PATCH, None, True, flags=(graded,) if claims.resolved else ())
    try:
        if output is None:
            raise NoTask("there is no test output")
        task = _task(files, identity, tasks, claims)
        require_parser(task.task)
    except NoTask as reason:
        if output is not None and output.is_blank():
            flag = Flag(id=EVALUATION_FAILED, detail=NO_OUTPUT)
            return _Judged(Outcome.EVAL_ERROR, None, True, flags=(flag,))
        return _unverified(claims, str(reason))
    judged = with_blame(grade(task.task, output.blocks()), output.blocks())
    verdict = _decided(judged, task)
    flips = second_opinion(claims, verdict, command_not_found=output.command_not_found)
    return _Judged(verdict.outcome, verdict, True, flips, task.flags)


def _task(files: RunFiles, identity: Identity, tasks: Tasks, claims: Claims) -> GradingTask:
    known = tasks.get(identity.task)
    return GradingTask(known) if known else task_of_record(files.record, identity.task, claims)


def _unverified(claims: Claims, reason: str) -> _Judged:
    if claims.resolved is None:
        flag = Flag(id="not-evaluated", detail=f"the run was not evaluated: {reason}")
        return _Judged(Outcome.EVAL_ERROR, None, False, flags=(flag,))
    flag = Flag(id="not-verified", detail=f"the verdict is the harness's own: {reason}")
    outcome = Outcome.RESOLVED if claims.resolved else Outcome.UNRESOLVED
    return _Judged(outcome, None, False, flags=(flag,))


def _decided(verdict: Verdict, task: GradingTask) -> Verdict:
    """Take back a `resolved` that rests on the beginning of a list; a failure in it stands whatever the rest shows."""
    if not verdict.resolved or not task.cut_lists:
        return verdict
    reason = f"{' and '.join(task.cut_lists)} cut: give the whole dataset with --dataset"
    flags = (*verdict.flags, Flag(id="lists-cut", detail=reason))
    return verdict.model_copy(update={"resolved": False, "gradeable": False, "reason": reason, "flags": flags})


def _facts(files: RunFiles, judged: _Judged, claims: Claims, patch: str | None, output: Output | None) -> RunFacts:
    verdict, said = judged.verdict, claims.verdict
    history = files.record.get("history")
    error = files.record.get("error")
    f2p = verdict.fail_to_pass.fraction if verdict else said.f2p
    p2p = verdict.pass_to_pass.fraction if verdict else said.p2p
    critical = verdict.reason if verdict else next((flag.detail for flag in judged.flags), "there was no patch")
    return RunFacts(
        patch_bytes=len(patch.encode("utf-8", "replace")) if patch else 0,
        history_entries=len(history) if isinstance(history, list) else None,
        error=str(error) if error else None,
        counts=verdict.counts if verdict else said.tests,
        test_output_bytes=output.size_bytes if output else None,
        fail_to_pass=f2p[1] if f2p else 0,
        pass_to_pass=p2p[1] if p2p else 0,
        critical_error=critical,
    )


def _summary(
    files: RunFiles, judged: _Judged, claims: Claims, facts: RunFacts, quality: tuple[QualityCheck, ...]
) -> Summary:
    verdict, said = judged.verdict, claims.verdict
    metrics = files.record.get("metrics")
    cost = metrics.get("accumulated_cost") if isinstance(metrics, dict) else None
    return Summary(
        f2p=verdict.fail_to_pass.fraction if verdict else said.f2p,
        p2p=verdict.pass_to_pass.fraction if verdict else said.p2p,
        tests=facts.counts,
        patch_bytes=facts.patch_bytes if files.patch is not None else None,
        history=facts.history_entries,
        cost=float(cost) if isinstance(cost, int | float) else None,
        quality=quality,
    )


def _run_flags(
    files: RunFiles, identity: Identity, judged: _Judged, facts: RunFacts, patch: str | None
) -> tuple[Flag, ...]:
    flags = [Flag(id="file-broken", detail=problem) for problem in files.problems]
    if judged.outcome is Outcome.NO_PATCH and facts.error and not is_own_doing(facts.error):
        flags.append(Flag(id="agent-error", detail=f"the agent died: {facts.error[:200]}"))
    if not identity.task:
        flags.append(Flag(id="task-unknown", detail="neither its files nor its path say which task it is"))
    if files.has_record and patch and _is_of_other_patch(files, patch):
        flags.append(Flag(id="other-patch-evaluated", detail="patch.diff is not the trajectory's patch"))
    if judged.flips and judged.flips[0].test is None:
        flags.append(Flag(id=HARNESS_DIFFERS, detail=f"{judged.flips[0].rule}: {judged.flips[0].detail}"))
    return tuple(flags)


def _is_of_other_patch(files: RunFiles, patch: str) -> bool:
    """Tell whether the evaluation was of another patch, as of an older run's; leaving files out of it is usual."""
    evaluated = files.evaluated_patch()
    if not evaluated or not evaluated.strip():
        return False
    ours = _files_of(patch)
    return any(ours.get(path) != lines for path, lines in _files_of(clean_patch(evaluated).text).items())


def _files_of(patch: str) -> dict[str, list[str]]:
    return {file.path: [line.rstrip() for line in file.text.rstrip().splitlines()] for file in split_files(patch)[1]}


def _content(record: Mapping[str, Any], identity: Identity, patch: str | None, started_at: datetime | None) -> str:
    """Return what copies of a run have in common, however they are formatted and whatever they lack."""
    history = record.get("history")
    first = (
        history[0].get("timestamp") if isinstance(history, list) and history and isinstance(history[0], dict) else ""
    )
    entries = len(history) if isinstance(history, list) else -1
    known = (identity.task, identity.model, patch, started_at, first, entries)
    return hashlib.blake2b(repr(known).encode("utf-8", "surrogateescape"), digest_size=16).hexdigest()
