"""evaluation: apply the model's patch and the golden tests in a fresh sandbox, and run the task's tests."""

from __future__ import annotations

import asyncio
import re
from pathlib import Path
from shlex import quote

from velora_tui.domain.failure import Failure, FailureClass
from velora_tui.domain.task import Task
from velora_tui.grading.patch import changed_files, clean_patch
from velora_tui.hosts.files import upload_tree
from velora_tui.pipeline.output import read_output
from velora_tui.pipeline.phase import PhaseContext, PhaseFailed, PhaseResult
from velora_tui.pipeline.phases.trajectory import s3_file
from velora_tui.pipeline.remote_job import run_job
from velora_tui.pipeline.sandbox import ProcessSandbox
from velora_tui.store.files import write_atomically

_STAGE = re.compile(r"^(Applying|Restoring|Running) [^\x1b]*$")
_RESULT = re.compile(r"\b(PASSED|FAILED|ERROR)\b")
KILL_AFTER_SECONDS = 10

# `git apply` first, as a strict tool; `patch` with fuzz for what it refuses. Binary hunks only git knows.
_APPLY = r"""
apply_patch() {
    if git apply --whitespace=nowarn "$1" 2> "$input/apply.log"; then echo "  git apply: ok"; return 0; fi
    sed 's/^/  /' "$input/apply.log"
    if patch --batch --forward --fuzz=5 -p1 -i "$1"; then echo "  patch --fuzz=5: ok"; return 0; fi
    return 1
}
"""

_EVALUATE = r"""
input="$HOME"/{input}
report="$HOME"/{report}
base={commit}
mkdir -p "$report" || exit 1
rm -f "$report/test_output.txt" "$input/test_status"
cp "$input/model.patch" "$report/patch.diff" && cp "$input/eval.sh" "$report/eval.sh" || exit 1
echo "Applying the model's patch"
if ! apply_patch "$input/model.patch"; then
    echo "velora: the model's patch does not apply"
    echo patch-failed > "$input/test_status"
    exit 0
fi
echo "Restoring test files"
while IFS= read -r file; do
    if git cat-file -e "$base:$file" 2>/dev/null; then git checkout -q "$base" -- "$file"; else rm -f -- "$file"; fi
done < "$input/test_files"
for golden in "$input"/golden_*.patch; do
    [ -e "$golden" ] || continue
    echo "Applying test patch $(basename "$golden" .patch)"
    if ! apply_patch "$golden"; then echo "velora: a golden test patch does not apply"; exit 1; fi
done
echo "Running $(cat "$input/eval.sh")"
shell=$(command -v bash || command -v sh)
{{
    timeout -k {kill_after} {limit} "$shell" "$input/eval.sh" 2>&1
    echo $? > "$input/test_status"
}} | tee "$report/test_output.txt"
echo "Tests ended with status $(cat "$input/test_status")"
"""


class Evaluation:
    name = "evaluation"
    job: str | None = "evaluation"

    async def run(self, ctx: PhaseContext) -> PhaseResult:
        output = await read_output(ctx)
        cleaned = await asyncio.to_thread(clean_patch, output.git_patch)
        if not cleaned.text.strip():
            await ctx.log.say("the trajectory left no patch: there is nothing to evaluate")
            return PhaseResult("no patch", skipped=True)
        if not ctx.task.test_command.strip():
            raise PhaseFailed(_task_failure("the task has no test_command", "add test_command to the dataset"))
        if (
            await ctx.jobs.state(ctx.spool(self.name))
        ).kind == "absent":  # a job that runs must find its input in place
            await self._send_input(ctx, cleaned.text)
        seconds = await run_job(ctx, _script(ctx), ctx.instance.variables, _Watcher(ctx))
        return PhaseResult("tests ran", seconds=seconds)

    async def resume(self, ctx: PhaseContext) -> PhaseResult:
        return await self.run(ctx)

    async def _send_input(self, ctx: PhaseContext, patch: str) -> None:
        folder = ctx.work / "evaluation_input"
        await asyncio.to_thread(_write_input, folder, ctx.task, patch)
        await upload_tree(ctx.host, folder, input_folder(ctx))


def input_folder(ctx: PhaseContext) -> str:
    """Return the remote folder of patches and scripts; `test_status` in it holds the test command's exit status."""
    return f"{ctx.remote}/evaluation_input"


def report_folder(ctx: PhaseContext) -> str:
    """Return the remote folder of this task's evaluation files."""
    return f"{ctx.out}/eval_outputs/{ctx.task.instance_id}"


def _write_input(folder: Path, task: Task, patch: str) -> None:
    touched = sorted({file for golden in task.test_patches for file in changed_files(golden)})
    if any(file.startswith("/") or "\n" in file or ".." in file.split("/") for file in touched):
        raise PhaseFailed(_task_failure("a golden test patch leaves the repository", "mend the dataset"))
    write_atomically(folder / "model.patch", _whole_lines(patch))
    write_atomically(folder / "test_files", "".join(f"{file}\n" for file in touched).encode())
    write_atomically(folder / "eval.sh", f"{task.test_command}\n".encode())
    for number, golden in enumerate(task.test_patches):
        write_atomically(folder / f"golden_{number:03}.patch", _whole_lines(golden))


def _whole_lines(patch: str) -> bytes:
    """Return the patch as bytes that end with a newline, which datasets often strip; what else is there stays."""
    return patch.encode() if patch.endswith("\n") else patch.encode() + b"\n"


def _script(ctx: PhaseContext) -> str:
    sandbox = ProcessSandbox(s3_file(ctx), f"{ctx.remote}/eval")
    evaluate = _EVALUATE.format(
        input=quote(input_folder(ctx).removeprefix("~/")),
        report=quote(report_folder(ctx).removeprefix("~/")),
        commit=quote(ctx.task.base_commit),
        kill_after=KILL_AFTER_SECONDS,
        # The tests end before the job does, so that a hung test is a result and not a lost job.
        limit=max(1, int(ctx.time_limit_seconds - 3 * KILL_AFTER_SECONDS)),
    )
    return sandbox.create() + sandbox.enter() + _APPLY + evaluate


class _Watcher:
    """Reports the stage of the evaluation and how many tests have shown a result."""

    def __init__(self, ctx: PhaseContext) -> None:
        self._ctx = ctx
        self._stage = "preparing"
        self._tests = 0

    def __call__(self, line: str) -> None:
        if match := _STAGE.match(line):
            self._stage = match[0][:60]
        elif self._stage.startswith("Running") and _RESULT.search(line):
            self._tests += 1
        else:
            return
        self._ctx.progress(self._tests, None, "tests", self._stage)


def _task_failure(message: str, remedy: str) -> Failure:
    return Failure(
        failure_class=FailureClass.TASK,
        signature="task-incomplete",
        message=message,
        remedy=remedy,
        phase="evaluation",
    )
