"""collect: bring the output tree home, whole and verified; the instance keeps its copy."""

from __future__ import annotations

import asyncio

from velora_tui.hosts.fetch import fetch_tree
from velora_tui.pipeline.phase import PhaseContext, PhaseResult
from velora_tui.view.text import size


class Collect:
    name = "collect"
    job: str | None = None

    async def run(self, ctx: PhaseContext) -> PhaseResult:
        return PhaseResult(await bring_home(ctx, ctx.out))

    async def resume(self, ctx: PhaseContext) -> PhaseResult:
        return await self.run(ctx)


async def bring_home(ctx: PhaseContext, tree: str) -> str:
    """Fetch the folder `tree` of the instance into the attempt's results; return how much came, in words.

    Raises HostErrors and StoreError.
    """
    if await asyncio.to_thread(ctx.results.is_dir):
        # It appears only when it is whole, and it is this attempt's own.
        await ctx.log.say(f"{ctx.results} was fetched and verified already")
        return "fetched already"
    await ctx.log.say(f"fetching {ctx.instance.name}:{tree} to {ctx.results}")
    loop = asyncio.get_running_loop()

    def arrived(done: int, total: int) -> None:
        # The tree is unpacked in a thread; observers live on the loop.
        loop.call_soon_threadsafe(ctx.progress, done, total, "bytes", "")

    files = await fetch_tree(ctx.host, tree, ctx.results, on_progress=arrived)
    for file in files:
        await ctx.log.say(f"{file.sha256[:12]}  {file.size:>12,}  {file.path}")
    detail = f"{len(files)} files, {size(sum(file.size for file in files))}"
    await ctx.log.say(f"{detail}, every checksum verified")
    return detail
