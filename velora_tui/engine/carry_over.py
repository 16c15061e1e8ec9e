"""What a retry from a later phase takes over from the attempt before: its files on the instance, and ours."""

from __future__ import annotations

import asyncio
import shutil
from pathlib import Path

from velora_tui.domain.run import Run
from velora_tui.errors import StoreError
from velora_tui.hosts.host import Host
from velora_tui.hosts.shell import quote_path
from velora_tui.pipeline.phase import remote_folder
from velora_tui.store.layout import Layout

_COPY = """
[ -d "$old" ] || { echo 'the last attempt is no longer on this instance' >&2; exit 1; }
mkdir -p "$new" || exit
for name in task.json out; do
    if [ -e "$old/$name" ]; then cp -R "$old/$name" "$new/" || exit; fi
done
"""


async def carry_over(host: Host, layout: Layout, run: Run, attempt: int, first: str) -> None:
    """Give attempt number `attempt` what the phases before `first` made in the last one.

    May be done twice. Raises HostErrors and StoreError.
    """
    old, new = (quote_path(remote_folder(run.run, number)) for number in (attempt - 1, attempt))
    names = [phase.name for phase in run.attempts[attempt - 1].phases]
    await host.run(f"old={old}\nnew={new}\n{_COPY}")
    await asyncio.to_thread(_copy, layout.work(run.run, attempt - 1), layout.work(run.run, attempt))
    if "collect" in names[: names.index(first)]:
        results = (layout.attempt_results(run, number) for number in (attempt - 1, attempt))
        await asyncio.to_thread(_copy, *results)


def _copy(source: Path, target: Path) -> None:
    """Copy a folder so that the target appears when it is whole; nothing where there is none, or is one already."""
    if not source.is_dir() or target.exists():
        return
    partial = target.with_name(f".{target.name}.copy")
    try:
        shutil.rmtree(partial, ignore_errors=True)
        shutil.copytree(source, partial)
        partial.rename(target)
    except OSError as error:
        raise StoreError(f"{source} cannot be copied to {target}: {error}", hint="free some disk space") from None
