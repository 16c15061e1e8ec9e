"""Ten thousand finished runs: how fast they are imported, listed, filtered, sorted and grouped, and in how much memory.

Run: python -m pytest tests/benchmarks/bench_results.py -s
"""

from __future__ import annotations

import resource
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.results.trees import Finished, january, log
from velora_tui.domain.fleet import Fleet
from velora_tui.domain.listing import group, order, select
from velora_tui.pipeline.imported.batch import import_trees
from velora_tui.store.catalog import Catalog
from velora_tui.view.filter import parse_filter
from velora_tui.view.listing import COLUMNS, FILTER_KEYS, Listing

RUNS = 10_000
MODELS = ("gpt-5.2", "claude-4.6", "gemini-3", "qwen-4", "kimi-3")
FULL_SIZE_RUNS = 200
STEP_BYTES = 5_000  # of an observation, so that 80 steps make an output.jsonl of 400 KB


def plant(root: Path, runs: int, *, steps: int, step_bytes: int = 0, tests: int = 20) -> int:
    """Write finished runs of many tasks and return how many bytes they take."""
    names = [f"tests/test_cart.py::test_{number:04}" for number in range(tests)]
    passed = log(test_total="PASSED", **{f"test_{number:04}": "PASSED" for number in range(tests)})
    failed = passed.replace("PASSED tests/test_cart.py::test_total", "FAILED tests/test_cart.py::test_total")
    for number in range(runs):
        task, model, run = f"shop-{number // 40}", MODELS[number % 5], number // 5 % 8 + 1
        finished = Finished(
            task=task,
            model=model,
            output=failed if number % 3 else passed,
            steps=steps,
            start_time=f"2026-01-{number % 28 + 1:02} 06:20:08",
            p2p=dict.fromkeys(names, True),
            instance={"PASS_TO_PASS": str(names)},
            observation="x" * step_bytes,
        )
        finished.write(january(root / f"part{number % 10}", run, task, model))
    return sum(path.stat().st_size for path in root.rglob("*") if path.is_file())


@pytest.fixture(scope="module")
def disk(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("disk")
    plant(folder, RUNS, steps=4)
    return folder


@pytest.fixture(scope="module")
def catalog(tmp_path_factory: pytest.TempPathFactory, disk: Path) -> Iterator[Catalog]:
    with Catalog(tmp_path_factory.mktemp("state") / "catalog.db") as catalog:
        began = time.perf_counter()
        report = import_trees(catalog, [disk])
        seconds = time.perf_counter() - began
        assert (report.results, report.problems) == (RUNS, [])
        print(f"\nimport of {RUNS:,} small runs: {seconds:.1f} s, {RUNS / seconds:,.0f} runs/s")
        yield catalog


def fastest(rounds: int, work: Callable[[], object]) -> float:
    """Return the milliseconds of the fastest round."""
    found = []
    for _ in range(rounds):
        began = time.perf_counter()
        work()
        found.append(1000 * (time.perf_counter() - began))
    return min(found)


@pytest.mark.timeout(600)
def test_the_first_listing_takes_less_than_a_second(catalog: Catalog) -> None:
    def listing() -> None:
        with Catalog(catalog.path) as again:
            rows = order(again.rows(), "date", descending=True)
            entries = Listing(Fleet()).entries(rows)
            assert len(entries) == RUNS
            for entry in entries[:50]:
                [entry.row.cells.get(column.id) for column in COLUMNS]

    milliseconds = fastest(3, listing)
    print(f"\nopen the catalog and list {RUNS:,} runs: {milliseconds:.0f} ms")
    assert milliseconds < 1000


@pytest.mark.timeout(600)
def test_filters_sorting_and_groups_take_less_than_a_tenth_of_a_second(catalog: Catalog) -> None:
    rows = catalog.rows()
    ways: dict[str, Callable[[], list[object]]] = {
        text: lambda text=text: list(select(rows, parse_filter(text, FILTER_KEYS).terms))
        for text in (
            "claude",
            "model:gpt outcome:resolved",
            "!model:gpt date:2026-01-1",
            "/shop-1\\d\\b/ run_3",
            "x y z",
        )
    }
    ways |= {f"sort by {key}": lambda key=key: list(order(rows, key)) for key in ("task", "cost", "date", "outcome")}
    ways |= {f"group by {key}": lambda key=key: list(group(rows, key)) for key in ("task", "model", "date")}
    for name, work in ways.items():
        milliseconds = fastest(3, work)
        print(f"\n{name}: {milliseconds:.0f} ms for {len(work()):,}", end="")
        assert milliseconds < 100, name


@pytest.mark.timeout(600)
def test_an_import_of_what_is_there_already_reads_no_run(catalog: Catalog, disk: Path) -> None:
    began = time.perf_counter()
    report = import_trees(catalog, [disk])
    seconds = time.perf_counter() - began
    print(f"\nsecond import of {RUNS:,} unchanged runs: {seconds:.1f} s")
    assert (report.read, report.unchanged) == (0, RUNS)


@pytest.mark.timeout(600)
def test_runs_of_full_size_need_little_memory(tmp_path: Path) -> None:
    size = plant(tmp_path / "disk", FULL_SIZE_RUNS, steps=80, step_bytes=STEP_BYTES, tests=100)
    began = time.perf_counter()
    peak = int(subprocess.check_output([sys.executable, __file__, tmp_path / "disk", tmp_path / "catalog.db"]))
    seconds = time.perf_counter() - began
    print(
        f"\n{FULL_SIZE_RUNS} runs of {size / FULL_SIZE_RUNS / 1e6:.2f} MB: {FULL_SIZE_RUNS / seconds:.0f} runs/s, ",
        end="",
    )
    print(f"{size / seconds / 1e6:.0f} MB/s in one process, {peak:,} MB at most")
    assert peak < 200


def main(disk: str, catalog: str) -> None:
    """Import in this process alone, and print the most memory it took, in MB."""
    with Catalog(Path(catalog)) as opened:
        import_trees(opened, [Path(disk)], processes=0)
    print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024)


if __name__ == "__main__":
    main(*sys.argv[1:])
