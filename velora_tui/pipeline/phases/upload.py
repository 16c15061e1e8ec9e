"""upload: bring the task to the instance."""

from __future__ import annotations

import json

from velora_tui.hosts.files import upload
from velora_tui.pipeline.phase import PhaseContext, PhaseResult
from velora_tui.pipeline.task_files import dataset_record
from velora_tui.view.text import size


class Upload:
    name = "upload"
    job: str | None = None

    async def run(self, ctx: PhaseContext) -> PhaseResult:
        record = json.dumps(dataset_record(ctx.task), indent=2, ensure_ascii=False).encode()
        return await send_task(ctx, record, f"{ctx.remote}/task.json")

    async def resume(self, ctx: PhaseContext) -> PhaseResult:
        return await self.run(ctx)


async def send_task(ctx: PhaseContext, record: bytes, path: str) -> PhaseResult:
    """Put the dataset record at `path` on the instance. Raises HostErrors."""
    await ctx.log.say(f"uploading task {ctx.task.instance_id} ({size(len(record))}) to {ctx.instance.name}:{path}")
    await upload(ctx.host, record, path)
    await ctx.log.say("uploaded and verified")
    return PhaseResult(size(len(record)))
