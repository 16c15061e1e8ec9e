"""Bringing a results tree of 500 files and 30 MB home, against `scp -r` and `rsync -az`, each with its own connection.

Run: python -m pytest tests/benchmarks/bench_collect.py -s
"""

from __future__ import annotations

import json
import random
import shutil
from collections.abc import Iterator
from itertools import count
from pathlib import Path

import pytest

from tests.benchmarks.peers import best_ratio, call, in_turns, server, ssh_options
from tests.sshd import Sshd
from velora_tui.hosts.fetch import fetch_tree
from velora_tui.hosts.ssh import SshHost

FILES = 500
TOTAL_BYTES = 30_000_000
ROUNDS = 5
WORDS = ["assert", "result", "the", "test", "passed", "failed", "self", "return", "0x7f", "/app/repo", "import", "None"]


@pytest.fixture
def sshd(tmp_path: Path) -> Iterator[Sshd]:
    with server(tmp_path) as sshd:
        yield sshd


def plant(folder: Path) -> None:
    """Make a tree like the harness's: hundreds of LLM completions in JSON, one large trajectory, some reports."""
    chance = random.Random(1)
    (folder / "llm_completions" / "task-1").mkdir(parents=True)
    for number in range(FILES):
        size = int(TOTAL_BYTES / FILES * chance.uniform(0.2, 1.8))
        words = (f"{chance.choice(WORDS)}{chance.randrange(10_000)}" for _ in range(size // 9))
        document = json.dumps({"messages": [{"role": "tool", "content": " ".join(words)}]})
        (folder / "llm_completions" / "task-1" / f"{number:04}.json").write_text(document)


async def test_collecting(sshd: Sshd, tmp_path: Path) -> None:
    plant(sshd.home / "out")
    options, numbers = ssh_options(sshd), count()

    def place() -> Path:
        return tmp_path / f"copy{next(numbers)}"

    async def velora() -> None:
        host = SshHost(sshd.target())
        files = await fetch_tree(host, "~/out", place())
        assert len(files) == FILES
        await host.close()

    async def scp() -> None:
        await call("scp", "-q", "-r", "-P", str(sshd.port), *options, f"127.0.0.1:{sshd.home}/out", str(place()))

    async def rsync() -> None:
        shell = " ".join(["ssh", "-p", str(sshd.port), *options])
        await call("rsync", "-az", "-e", shell, f"127.0.0.1:{sshd.home}/out/", str(place()))

    ways = {"velora": velora, "scp -r": scp}
    if shutil.which("rsync"):
        ways["rsync -az"] = rsync
    seconds = await in_turns(ways, ROUNDS)
    # Ours is verified by checksum, unlike a first copy by the others.
    assert best_ratio(f"{FILES} files, {TOTAL_BYTES / 1e6:.0f} MB", seconds) < 1.3
