"""collect: bring the output tree home, whole and verified; the instance keeps its copy."""

from __future__ import annotations

from velora_tui.hosts.fetch import fetch_tree
from velora_tui.pipeline.phase import PhaseContext, PhaseResult
from velora_tui.view.text import size


class Collect:
    name = "collect"
    job: str | None = None

    async def run(self, ctx: PhaseContext) -> PhaseResult:
        await ctx.log.say(f"fetching {ctx.instance.name}:{ctx.out} to {ctx.results}")
        files = await fetch_tree(
            ctx.host, ctx.out, ctx.results, on_progress=lambda done, total: ctx.progress(done, total, "bytes", "")
        )
        for file in files:
            await ctx.log.say(f"{file.sha256[:12]}  {file.size:>12,}  {file.path}")
        detail = f"{len(files)} files, {size(sum(file.size for file in files))}"
        await ctx.log.say(f"{detail}, every checksum verified")
        return PhaseResult(detail)

    async def resume(self, ctx: PhaseContext) -> PhaseResult:
        return await self.run(ctx)
