"""upload: bring the dataset to the instance, in the form that every version of the script reads."""

from __future__ import annotations

import json
from typing import Any

from velora_tui.domain.image import S3Object, image_source
from velora_tui.domain.task import Task
from velora_tui.pipeline.harness.job import dataset_path
from velora_tui.pipeline.phase import PhaseContext, PhaseResult
from velora_tui.pipeline.phases.upload import send_task
from velora_tui.pipeline.task_files import dataset_record


class Upload:
    name = "upload"
    job: str | None = None

    async def run(self, ctx: PhaseContext) -> PhaseResult:
        # In one line: some versions read the file as one object, some line by line.
        record = json.dumps(harness_record(ctx.task, ctx.fleet.s3.images)).encode() + b"\n"
        return await send_task(ctx, record, dataset_path(ctx))

    async def resume(self, ctx: PhaseContext) -> PhaseResult:
        return await self.run(ctx)


def harness_record(task: Task, images: str) -> dict[str, Any]:
    """Return the dataset's record; its image address is one that the script can take apart."""
    return {**dataset_record(task, only_given=True), "image_storage_uri": _image_uri(task, images)}


def _image_uri(task: Task, images: str) -> str:
    """Return NAME:COMMIT, from which the script makes NAME-COMMIT.tar; it breaks s3:// addresses itself."""
    source = image_source(task, images)
    is_plain = task.image_storage_uri and not task.image_storage_uri.startswith("s3://")
    if not isinstance(source, S3Object) or is_plain:
        return task.image_storage_uri
    name, dash, commit = source.file_name.removesuffix(".tar").rpartition("-")
    return f"{name}:{commit}" if dash else task.image_storage_uri
