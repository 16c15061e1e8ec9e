"""The model's patch of a finished run, read from its files when it is asked for."""

from __future__ import annotations

from pathlib import Path

from velora_tui.errors import StoreError
from velora_tui.grading.patch import clean_patch
from velora_tui.pipeline.imported.evidence import runs_of
from velora_tui.store.trees import run_at


def patch_of(folder: Path, task: str) -> str:
    """Return the patch of the run of `task` in `folder`, without agents' litter; "" where there is none.

    Blocks; raises StoreError where the files are gone.
    """
    try:
        found = run_at(folder)
        runs = runs_of(found)[0] if found else []
        own = [files for files in runs if str(files.record.get("instance_id") or "") == task] or runs[:1]
        patch = own[0].patch if own else None
    except OSError as error:
        raise StoreError(f"{folder} cannot be read: {error.strerror}", hint="are its files still there?") from None
    return clean_patch(patch).text if patch else ""
