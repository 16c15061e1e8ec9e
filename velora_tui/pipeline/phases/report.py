"""report: grade the test output, and make the harness's report files on the instance."""

from __future__ import annotations

import asyncio
import json
from dataclasses import dataclass

from velora_tui.domain.report import Verdict
from velora_tui.errors import CommandFailed
from velora_tui.grading.blame import with_blame
from velora_tui.grading.grade import grade
from velora_tui.grading.patch import clean_patch
from velora_tui.grading.report import EvaluationFacts, eval_details
from velora_tui.hosts.command import run_command
from velora_tui.hosts.files import read_file, upload
from velora_tui.hosts.shell import assign, quote_path
from velora_tui.pipeline.output import output_path, read_output
from velora_tui.pipeline.phase import PhaseContext, PhaseResult
from velora_tui.pipeline.phases.evaluation import input_folder, report_folder
from velora_tui.pipeline.remote_job import TIME_LIMIT_STATUS
from velora_tui.pipeline.report_files import QUOTED_OUTPUT_LIMIT, in_words, report_files, shown_verdict
from velora_tui.pipeline.verdict_file import StoredVerdict, save_verdict

TEST_OUTPUT_LIMIT = 256 * 1024 * 1024
_PATCH_FAILED = "patch-failed"
_GRADED = "eval_pilot2_output.jsonl"
_TAIL_BYTES = 64 * 1024
_COPY_SECONDS = 900.0
_COPY = """
new=$(mktemp -- "$target.XXXXXX") || exit
trap 'rm -f -- "$new"' EXIT
{ head -c "$end" -- "$source" && cat; } >"$new" && chmod 644 -- "$new" && mv -fT -- "$new" "$target"
"""


@dataclass(frozen=True)
class _Tests:
    """What the evaluation left: the output of the tests, and the status of their command."""

    output: bytes
    status: str

    @property
    def applied(self) -> bool:
        return self.status != _PATCH_FAILED

    @property
    def exit_status(self) -> int | None:
        return int(self.status) if self.status.isdigit() else None


class Report:
    name = "report"
    job: str | None = None

    async def run(self, ctx: PhaseContext) -> PhaseResult:
        trajectory = await read_output(ctx)
        patch = clean_patch(trajectory.git_patch)
        if patch.dropped:
            await ctx.log.say(f"left out of the patch as litter: {', '.join(patch.dropped)}")
        tests = await _read_tests(ctx) if patch.text.strip() else None
        verdict = await asyncio.to_thread(_grade, ctx, tests) if tests else None
        await ctx.log.say(in_words(verdict))
        stored = StoredVerdict(
            verdict=verdict,
            patch_bytes=len(patch.text.encode()),
            test_output_bytes=len(tests.output) if tests else None,
            history=trajectory.history,
            cost=trajectory.cost,
            error=trajectory.error,
        )
        await asyncio.to_thread(save_verdict, ctx.work, stored)
        for path, document in await asyncio.to_thread(_documents, ctx, verdict, patch.text, tests):
            await upload(ctx.host, document, f"{ctx.out}/{path}")
            await ctx.log.say(f"wrote {path}")
        await _write_graded(ctx, await asyncio.to_thread(_added, ctx, verdict, patch.text, tests))
        return PhaseResult(in_words(verdict))

    async def resume(self, ctx: PhaseContext) -> PhaseResult:
        return await self.run(ctx)


async def _read_tests(ctx: PhaseContext) -> _Tests:
    status = (await read_file(ctx.host, f"{input_folder(ctx)}/test_status", 100)).decode("ascii", "replace").strip()
    if status == _PATCH_FAILED:
        return _Tests(b"", status)
    try:
        output = await read_file(ctx.host, f"{report_folder(ctx)}/test_output.txt", TEST_OUTPUT_LIMIT)
    except CommandFailed as error:
        error.hint = "retry from evaluation"
        raise
    return _Tests(output, status)


def _grade(ctx: PhaseContext, tests: _Tests) -> Verdict:
    verdict = grade(ctx.task, tests.output, exit_status=tests.exit_status)
    if not tests.applied:
        return verdict.model_copy(update={"reason": "the model's patch does not apply"})
    if tests.exit_status == TIME_LIMIT_STATUS and not verdict.gradeable:
        return verdict.model_copy(update={"reason": f"the tests were ended by their time limit: {verdict.reason}"})
    return with_blame(verdict, tests.output)


def _documents(ctx: PhaseContext, verdict: Verdict | None, patch: str, tests: _Tests | None) -> list[tuple[str, bytes]]:
    return report_files(ctx.task, verdict, _evaluation(patch, tests))


def _evaluation(patch: str, tests: _Tests | None) -> EvaluationFacts:
    return EvaluationFacts(
        patch=patch,
        patch_applied=tests is None or tests.applied,
        test_timeout=bool(tests and tests.exit_status == TIME_LIMIT_STATUS),
        test_output=tests.output[-QUOTED_OUTPUT_LIMIT:].decode("utf-8", "replace") if tests else "",
    )


def _added(ctx: PhaseContext, verdict: Verdict | None, patch: str, tests: _Tests | None) -> bytes:
    """Return the members that the grader's record has beyond the agent's."""
    shown = shown_verdict(ctx.task, verdict)
    added = {"pilot2_eval_details": eval_details(shown, _evaluation(patch, tests)), "resolved": shown.resolved}
    return b", " + json.dumps(added, ensure_ascii=False).encode()[1:] + b"\n"


async def _write_graded(ctx: PhaseContext, added: bytes) -> None:
    """Copy the agent's record on the instance, where it may be large, with `added` before its last brace."""
    source = quote_path(output_path(ctx))
    seen = await run_command(ctx.host, f"stat -Lc %s -- {source} && tail -c {_TAIL_BYTES} -- {source}")
    size, _, tail = seen.stdout.partition(b"\n")
    end = int(size) - len(tail) + tail.rindex(b"}")
    script = assign(end=end) + f"source={source}\ntarget={quote_path(f'{ctx.out}/{_GRADED}')}" + _COPY
    await run_command(ctx.host, script, stdin=added, timeout_seconds=_COPY_SECONDS)
    await ctx.log.say(f"wrote {_GRADED}")
