"""collect: bring the script's output tree home, and add the report files that it left out."""

from __future__ import annotations

import asyncio
from pathlib import Path

from velora_tui.pipeline.harness.report import made_folder
from velora_tui.pipeline.phase import PhaseContext, PhaseResult
from velora_tui.pipeline.phases.collect import bring_home
from velora_tui.pipeline.verdict_file import load_verdict
from velora_tui.store.files import write_atomically


class Collect:
    name = "collect"
    job: str | None = None

    async def run(self, ctx: PhaseContext) -> PhaseResult:
        stored = await asyncio.to_thread(load_verdict, ctx.work)
        detail = await bring_home(ctx, stored.tree or ctx.out)
        for path in await asyncio.to_thread(_add_missing, made_folder(ctx.work), ctx.results):
            await ctx.log.say(f"made {path}, which the script left out")
        return PhaseResult(detail)

    async def resume(self, ctx: PhaseContext) -> PhaseResult:
        return await self.run(ctx)


def _add_missing(made: Path, tree: Path) -> list[str]:
    """Copy into `tree` what is not there; return the paths. Blocks; raises StoreError."""
    paths = sorted(path.relative_to(made) for path in made.rglob("*") if path.is_file())
    missing = [path for path in paths if not (tree / path).exists()]
    for path in missing:
        write_atomically(tree / path, (made / path).read_bytes())
    return [path.as_posix() for path in missing]
