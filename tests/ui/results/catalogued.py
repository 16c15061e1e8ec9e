"""A catalog with imported runs beside one's own, as the dashboard finds it."""

from __future__ import annotations

from pathlib import Path

from tests.results.trees import ALL_PASS, F2P, P2P, Finished, january, log
from velora_tui.pipeline.imported.batch import import_trees
from velora_tui.store.catalog import CATALOG_FILE, Catalog

FAILING = log(test_total="FAILED", test_empty="PASSED", test_add="PASSED")
PARTLY = log(test_total="PASSED", test_empty="FAILED", test_add="PASSED")
MODELS = ("gpt-5.2", "claude-4.6")
STEPS = [
    {
        "id": 1,
        "timestamp": "2026-01-28T06:21:00.5",
        "source": "agent",
        "action": "run",
        "args": {"command": "pytest -k total", "thought": "look at the failing test"},
    },
    {
        "id": 2,
        "timestamp": "2026-01-28T06:21:09.5",
        "source": "agent",
        "observation": "run",
        "cause": 1,
        "content": "1 failed [/b]",
    },
]


class Told(Finished):
    """A finished run whose history can be read as steps."""

    @property
    def record(self):
        return {**super().record, "history": STEPS}


def plant(root: Path, *, tasks: int = 2, runs: int = 2, models: tuple[str, str] = MODELS, **changes: object) -> None:
    """Write runs of `tasks` tasks by two models: gpt fails all, claude resolves its first run of each task.

    The harness says of gpt's first run of shop-1 that it resolved the task.
    """
    for task in range(1, tasks + 1):
        for model in models:
            for run in range(1, runs + 1):
                passes = model == models[1] and run == 1
                is_wrong = (task, model, run) == (1, models[0], 1)
                said = dict.fromkeys(F2P, passes or is_wrong)
                finished = Told(
                    task=f"shop-{task}",
                    model=f"openai/{model}",
                    output=ALL_PASS if passes else FAILING,
                    resolved=passes or is_wrong,
                    f2p=said,
                    p2p=dict.fromkeys(P2P, True),
                    start_time=f"2026-01-{10 + task} 0{run}:20:08",
                    cost=0.5 * run,
                    **changes,
                )
                finished.write(january(root, run, f"shop-{task}", model))


def imported(state: Path, root: Path) -> Catalog:
    """Import the trees below `root` as `velora import` does."""
    with Catalog(state / CATALOG_FILE) as catalog:
        import_trees(catalog, [root], processes=0)
    return catalog
