"""collect: bring the script's output tree home, and add the report files that it left out."""

from __future__ import annotations

import asyncio

from velora_tui.pipeline.harness.made import add_missing
from velora_tui.pipeline.phase import PhaseContext, PhaseResult
from velora_tui.pipeline.phases.collect import bring_home
from velora_tui.pipeline.verdict_file import load_verdict


class Collect:
    name = "collect"
    job: str | None = None

    async def run(self, ctx: PhaseContext) -> PhaseResult:
        stored = await asyncio.to_thread(load_verdict, ctx.work)
        detail = await bring_home(ctx, stored.tree or ctx.out)
        for path in await asyncio.to_thread(add_missing, ctx.work, ctx.results):
            await ctx.log.say(f"made {path}, which the script left out")
        return PhaseResult(detail)

    async def resume(self, ctx: PhaseContext) -> PhaseResult:
        return await self.run(ctx)
