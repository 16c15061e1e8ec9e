"""trajectory: let the agent work on the task in a fresh sandbox."""

from __future__ import annotations

import re
from shlex import quote

from velora_tui.domain.image import S3Object, image_source
from velora_tui.errors import UsageError
from velora_tui.pipeline.failures import agent_failure
from velora_tui.pipeline.output import read_output
from velora_tui.pipeline.phase import PhaseContext, PhaseFailed, PhaseResult
from velora_tui.pipeline.remote_job import run_job
from velora_tui.pipeline.sandbox import ProcessSandbox
from velora_tui.view.text import counted, size

_STEP = re.compile(r"^(?:\d\d:\d\d:\d\d )?step (\d+)/(\d+)\s*(.*)$")

_RUN_AGENT = """
export VELORA_OUTPUT={root}/out VELORA_TASK={root}/task.json VELORA_BASE_COMMIT={commit}
rm -rf "$VELORA_OUTPUT" && mkdir -p "$VELORA_OUTPUT" || exit 1
sh -c "$VELORA_AGENT_COMMAND"
status=$?
if [ "$status" -eq 127 ]; then echo "velora: the agent's command was not found"; fi
if [ "$status" -eq 0 ] && [ ! -s "$VELORA_OUTPUT/output.jsonl" ]; then
    echo "velora: the agent ended well but left no output.jsonl"; exit 1
fi
exit "$status"
"""


class Trajectory:
    name = "trajectory"
    job: str | None = "trajectory"

    async def run(self, ctx: PhaseContext) -> PhaseResult:
        agent = ctx.fleet.agent_of(ctx.run.model)
        if agent is None:
            raise UsageError(
                f"no agent works with model {ctx.run.model}", hint="name one in the fleet file: [agents.NAME] command"
            )
        environment = {
            **ctx.instance.variables,
            "VELORA_AGENT_COMMAND": agent.command,
            "VELORA_MODEL": ctx.run.model,
            "VELORA_MAX_ITERATIONS": str(ctx.run.max_iterations),
        }
        seconds = await run_job(ctx, _script(ctx), environment, lambda line: _watch(ctx, line))
        output = await read_output(ctx)
        if output.error and not output.git_patch:
            raise PhaseFailed(agent_failure(output.error), seconds)
        history = counted(output.history, "history entry", "history entries")
        detail = f"{history}, patch {size(len(output.git_patch.encode()))}"
        return PhaseResult(detail, seconds=seconds)

    async def resume(self, ctx: PhaseContext) -> PhaseResult:
        return await self.run(ctx)


def _script(ctx: PhaseContext) -> str:
    sandbox = ProcessSandbox(s3_file(ctx), f"{ctx.remote}/work")
    root = f'"$HOME"/{quote(ctx.remote.removeprefix("~/"))}'
    run_agent = _RUN_AGENT.format(root=root, commit=quote(ctx.task.base_commit))
    return sandbox.create() + sandbox.enter() + run_agent


def s3_file(ctx: PhaseContext) -> str:
    """Return the name of the image's tar in the instance's cache."""
    source = image_source(ctx.task, ctx.fleet.s3.images)
    return source.file_name if isinstance(source, S3Object) else ""


def _watch(ctx: PhaseContext, line: str) -> None:
    if match := _STEP.match(line):
        ctx.progress(int(match[1]), int(match[2]), "steps", match[3].strip())
