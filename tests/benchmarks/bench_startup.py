"""How long commands take to begin, as multiples of an interpreter that imports what any command line needs.

Run: python -m pytest tests/benchmarks/bench_startup.py -s
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import time
from pathlib import Path

ROUNDS = 9
FLEET = '[[instances]]\nname = "here"\nhost = "local"\nhome = "."\n'
LEAST = "import asyncio, json, sqlite3, typer; from pydantic import BaseModel, TypeAdapter"


def seconds_of(folder: Path, *words: str) -> float:
    environment = {"PATH": os.environ["PATH"], "HOME": str(folder)}
    started = time.perf_counter()
    subprocess.run([sys.executable, *words], cwd=folder, env=environment, check=True, capture_output=True, timeout=30)
    return time.perf_counter() - started


def test_commands_begin_soon(tmp_path: Path) -> None:
    (tmp_path / "velora.toml").write_text(FLEET)
    ways = {
        "least": ("-c", LEAST),
        "--version": ("-m", "velora_tui", "--version"),
        "status": ("-m", "velora_tui", "--state", "state", "status"),
        "check here": ("-m", "velora_tui", "--state", "state", "check"),
    }
    rounds = [{name: seconds_of(tmp_path, *words) for name, words in ways.items()} for _ in range(ROUNDS)]
    medians = {name: statistics.median(found[name] for found in rounds[1:]) for name in ways}
    print(f"\nstarting (load {os.getloadavg()[0]:.1f}):", end=" ")
    print(
        ", ".join(
            f"{name} {median * 1000:.0f} ms ({median / medians['least']:.1f}×)" for name, median in medians.items()
        )
    )
    assert medians["status"] < 6 * medians["least"]
