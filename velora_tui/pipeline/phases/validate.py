"""validate: judge the collected tree and write down the result."""

from __future__ import annotations

import asyncio
from pathlib import Path

from velora_tui import __version__
from velora_tui.domain.events import Summary, now
from velora_tui.domain.failure import Failure, FailureClass
from velora_tui.domain.image import image_source
from velora_tui.domain.report import Flag, Outcome, QualityCheck
from velora_tui.domain.result import AttemptResult, Provenance, why_void
from velora_tui.domain.run import RESULT_PHASE
from velora_tui.domain.tree_files import wanted_files
from velora_tui.grading.judge import RunFacts, judge
from velora_tui.pipeline.phase import PhaseContext, PhaseFailed, PhaseResult
from velora_tui.pipeline.verdict_file import StoredVerdict, load_verdict
from velora_tui.store.results import save_result


class Validate:
    """`strict`: a tree that lacks a file is a failure. Trees that others make may lack some: then it is a flag."""

    name = RESULT_PHASE
    job: str | None = None

    def __init__(self, *, strict: bool = True) -> None:
        self._strict = strict

    async def run(self, ctx: PhaseContext) -> PhaseResult:
        stored = await asyncio.to_thread(load_verdict, ctx.work)
        missing = await asyncio.to_thread(_missing_files, ctx.results, ctx.task.instance_id, stored)
        if missing and self._strict:
            raise PhaseFailed(_incomplete(missing))
        for path in missing:
            await ctx.log.say(f"LOOK  the tree lacks {path}")
            flag = Flag(id="file-missing", detail=f"the harness's tree lacks {path}")
            stored = stored.model_copy(update={"flags": (*stored.flags, flag)})
        quality = judge(_facts(stored))
        for check in quality:
            await ctx.log.say(f"{'ok  ' if check.ok else 'LOOK'}  {check.id}: {check.detail}")
        summary = _summary(stored, quality)
        outcome = stored.verdict.outcome if stored.verdict else Outcome.NO_PATCH
        await asyncio.to_thread(save_result, ctx.results, _result(ctx, stored, outcome, summary))
        good = sum(check.ok for check in quality)
        return PhaseResult(f"{good} of {len(quality)} quality checks hold", outcome=outcome, summary=summary)

    async def resume(self, ctx: PhaseContext) -> PhaseResult:
        return await self.run(ctx)


def _missing_files(tree: Path, instance_id: str, stored: StoredVerdict) -> list[str]:
    wanted = wanted_files(instance_id, is_evaluated=bool(stored.test_output_bytes))
    return [path for path in wanted if not (tree / path).is_file()]


def _incomplete(missing: list[str]) -> Failure:
    return Failure(
        failure_class=FailureClass.INFRASTRUCTURE,
        signature="tree-incomplete",
        message=f"the collected tree lacks {', '.join(missing)}",
        remedy="retry from report",
        phase=RESULT_PHASE,
    )


def _facts(stored: StoredVerdict) -> RunFacts:
    verdict = stored.verdict
    return RunFacts(
        patch_bytes=stored.patch_bytes,
        history_entries=stored.history,
        error=stored.error,
        counts=verdict.counts if verdict else None,
        test_output_bytes=stored.test_output_bytes,
        fail_to_pass=verdict.fail_to_pass.fraction[1] if verdict else 0,
        pass_to_pass=verdict.pass_to_pass.fraction[1] if verdict else 0,
        critical_error=verdict.reason if verdict else "there was no patch to evaluate",
    )


def _summary(stored: StoredVerdict, quality: tuple[QualityCheck, ...]) -> Summary:
    verdict = stored.verdict
    flags = (*stored.flags, *(verdict.flags if verdict else ()))
    return Summary(
        f2p=verdict.fail_to_pass.fraction if verdict else None,
        p2p=verdict.pass_to_pass.fraction if verdict else None,
        tests=verdict.counts if verdict else None,
        patch_bytes=stored.patch_bytes,
        history=stored.history,
        cost=stored.cost,
        quality=quality,
        void=why_void(flags),
    )


def _result(ctx: PhaseContext, stored: StoredVerdict, outcome: Outcome, summary: Summary) -> AttemptResult:
    attempt = ctx.run.attempts[ctx.attempt - 1]
    return AttemptResult(
        run=ctx.run.run,
        attempt=ctx.attempt,
        task=ctx.run.task,
        repo=ctx.run.repo,
        model=ctx.run.model,
        run_number=ctx.run.run_number,
        outcome=outcome,
        summary=summary,
        verdict=stored.verdict,
        harness_verdict=stored.harness,
        verdicts_differ=stored.verdicts_differ,
        flags=stored.flags,
        phase_seconds={phase.name: phase.seconds for phase in attempt.phases if phase.is_done},
        provenance=Provenance(
            by=attempt.by,
            instance=ctx.instance.name,
            host=ctx.instance.host,
            started_at=attempt.started_at,
            recorded_at=now(),
            recipe=ctx.run.recipe,
            image=str(image_source(ctx.task, ctx.fleet.s3.images)),
            velora_version=__version__,
        ),
    )
