"""report: when the script has ended, grade its test output ourselves and make the report files that it left out."""

from __future__ import annotations

import asyncio
from pathlib import Path

from velora_tui.domain.report import Flag, Verdict
from velora_tui.domain.task import Task
from velora_tui.grading.blame import with_blame
from velora_tui.grading.grade import grade
from velora_tui.grading.report import EvaluationFacts, eval_details
from velora_tui.grading.second_opinion import claims_of_details
from velora_tui.hosts.files import read_file
from velora_tui.pipeline.harness.banners import JOB
from velora_tui.pipeline.harness.conclude import Conclusion
from velora_tui.pipeline.harness.log_follow import follow_segment
from velora_tui.pipeline.harness.made import CopiedRecord, made_folder
from velora_tui.pipeline.harness.phase_times import phase_seconds, timed_conclusion
from velora_tui.pipeline.harness.place import GRADED_NAMES
from velora_tui.pipeline.phase import PhaseContext, PhaseResult
from velora_tui.pipeline.phases.report import TEST_OUTPUT_LIMIT
from velora_tui.pipeline.report_files import QUOTED_OUTPUT_LIMIT, in_words, report_files, shown_verdict
from velora_tui.pipeline.verdict_file import StoredVerdict, save_verdict
from velora_tui.store.files import write_atomically

_TRANSFER_SECONDS = 900.0


class Report:
    name = "report"
    job: str | None = JOB

    async def run(self, ctx: PhaseContext) -> PhaseResult:
        end = await follow_segment(ctx)
        assert end is not None, "no phase of the job comes after report"
        seen = await timed_conclusion(ctx, end)
        tests = await _test_output(ctx, seen) if seen.graded else None
        verdict = await asyncio.to_thread(_graded, ctx.task, tests) if tests is not None else None
        stored = _stored(seen, verdict, tests)
        missing = await _missing_files(ctx, seen, verdict, tests)
        await asyncio.to_thread(_keep, ctx.work, stored, missing, _copied(ctx, seen, verdict))
        return PhaseResult(_detail(stored), seconds=await phase_seconds(ctx) if ctx.log.size else None)

    async def resume(self, ctx: PhaseContext) -> PhaseResult:
        return await self.run(ctx)


async def _test_output(ctx: PhaseContext, seen: Conclusion) -> bytes:
    """Return what the tests printed: the file, or what the grader's record repeats of it."""
    assert seen.graded is not None
    path = f"eval_outputs/{ctx.task.instance_id}/test_output.txt"
    if path not in seen.place.files:
        path = seen.place.named("test_output.txt") or ""
    whole, seconds = f"{seen.place.folder}/{path}", _TRANSFER_SECONDS
    output = await read_file(ctx.host, whole, TEST_OUTPUT_LIMIT, timeout_seconds=seconds) if path else b""
    return output or seen.graded.test_output.encode("utf-8", "surrogatepass")


def _graded(task: Task, tests: bytes) -> Verdict:
    return with_blame(grade(task, tests), tests)


def _stored(seen: Conclusion, verdict: Verdict | None, tests: bytes | None) -> StoredVerdict:
    stored = StoredVerdict(
        verdict=verdict,
        patch_bytes=len(seen.output.git_patch.encode("utf-8", "surrogatepass")),
        test_output_bytes=len(tests) if tests is not None else None,
        history=seen.output.history,
        cost=seen.output.cost,
        error=seen.output.error,
        harness=claims_of_details(seen.graded.details, seen.graded.resolved).verdict if seen.graded else None,
        flags=seen.flags,
        tree=seen.place.folder,
    )
    if not stored.verdicts_differ:
        return stored
    flag = Flag(id="harness-differs", detail=f"the harness said {_said(stored)}; our grading of its test output counts")
    return stored.model_copy(update={"flags": (*stored.flags, flag)})


async def _missing_files(
    ctx: PhaseContext, seen: Conclusion, verdict: Verdict | None, tests: bytes | None
) -> list[tuple[str, bytes]]:
    """Return the report files that the script should have left in its tree and did not."""
    files = await asyncio.to_thread(_report_files, ctx.task, seen, verdict, tests)
    return [(path, data) for path, data in files if path not in seen.place.files]


def _copied(ctx: PhaseContext, seen: Conclusion, verdict: Verdict | None) -> CopiedRecord:
    """Return what the grader's record is to be made of, where the script left none of that name."""
    if seen.graded is not None:
        return CopiedRecord(seen.place.graded_file(seen.facts.saved) or GRADED_NAMES[0])
    shown = shown_verdict(ctx.task, verdict)
    added = {"pilot2_eval_details": eval_details(shown, EvaluationFacts()), "resolved": shown.resolved}
    return CopiedRecord("output.jsonl", added)


def _report_files(
    task: Task, seen: Conclusion, verdict: Verdict | None, tests: bytes | None
) -> list[tuple[str, bytes]]:
    patch = seen.output.git_patch
    files = report_files(task, verdict, EvaluationFacts(patch=patch))
    if tests is not None:
        folder = f"eval_outputs/{task.instance_id}"
        files.append((f"{folder}/patch.diff", patch.encode("utf-8", "surrogatepass")))
        if seen.place.named("test_output.txt") is None:
            files.append((f"{folder}/test_output.txt", tests[:QUOTED_OUTPUT_LIMIT]))
    return files


def _keep(work: Path, stored: StoredVerdict, files: list[tuple[str, bytes]], copied: CopiedRecord) -> None:
    for path, data in files:
        write_atomically(made_folder(work) / path, data)
    copied.save(work)
    save_verdict(work, stored)


def _detail(stored: StoredVerdict) -> str:
    parts = [in_words(stored.verdict)]
    if stored.verdicts_differ:
        parts.append(f"the harness said {_said(stored)}")
    parts += [flag.detail for flag in stored.flags if flag.id != "harness-differs"]
    return "; ".join(parts)


def _said(stored: StoredVerdict) -> str:
    return "resolved" if stored.harness and stored.harness.resolved else "unresolved"
