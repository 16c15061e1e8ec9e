"""A fleet of instances, each in the trajectory of a run whose agent prints; nothing is prepared but the journal, and
the image where the phase before would have left it.
"""

from __future__ import annotations

import asyncio
import io
import json
import os
import sys
import tarfile
import time
from dataclasses import dataclass
from pathlib import Path
from shlex import quote

from tests.sshd import Sshd, make_sshd
from velora_tui.domain.events import (
    AttemptFinished,
    AttemptQueued,
    AttemptStarted,
    AttemptState,
    PhaseFinished,
    PhaseStarted,
    PhaseState,
    RunCreated,
    Summary,
)
from velora_tui.domain.report import Outcome
from velora_tui.domain.task import parse_dataset
from velora_tui.pipeline.recipes import recipe
from velora_tui.store.datasets import TaskStore
from velora_tui.store.journal import Journal
from velora_tui.store.layout import Layout

MODEL = "llm.gpt"
AGENT = Path(__file__).with_name("chatty_agent.py")
TASK = """{"instance_id": "shop-1", "repo": "acme/shop", "base_commit": "0123abcd", "image_storage_uri":
"s3://bench/image.tar", "FAIL_TO_PASS": ["t.py::a"], "PASS_TO_PASS": [], "test_patch": "", "test_command": "true",
"problem_statement": "The total is wrong."}"""
PHASES = tuple(phase.name for phase in recipe("native").phases)
_END_SECONDS = 20.0
_REACHED_BY = ("host", "port", "user", "identity_file", "ssh_config", "known_hosts")


@dataclass(frozen=True)
class BusyFleet:
    """The folder of a fleet file, its state and its instances' homes; `running` runs have been started there.

    Instances are reached through `servers`, one each, or are this machine where there are none.
    """

    folder: Path
    instances: int
    running: int
    servers: tuple[Sshd, ...] = ()

    @classmethod
    def lay_out(
        cls,
        folder: Path,
        instances: int,
        *,
        running: int,
        lines_per_second: float,
        flood: int = 0,
        finished: int = 0,
        over_ssh: bool = False,
    ) -> BusyFleet:
        """Write everything. `lines_per_second` is that of all agents together, `finished` the runs that are over."""
        servers = (make_sshd(folder / "homes" / name) for name in _names(instances if over_ssh else 0))
        fleet = cls(folder, instances, running, tuple(servers))
        rate = lines_per_second / max(1, running)
        command = f"{quote(sys.executable)} -S -E {quote(str(AGENT))} {rate} {quote(str(fleet._end_file))} {flood}"
        fleet._write_homes()
        (folder / "velora.toml").write_text(fleet._file(command), encoding="utf-8")
        asyncio.run(fleet._write_journal(finished))
        return fleet

    @property
    def layout(self) -> Layout:
        """Where the fleet's journal and logs are."""
        return Layout.under(self.folder / "state")

    @property
    def environment(self) -> dict[str, str]:
        """What the program knows: nothing of this machine's own configuration."""
        home = self.folder / "user"
        home.mkdir(exist_ok=True)
        return {"PATH": os.environ["PATH"], "HOME": str(home), "TMPDIR": str(self.folder)}

    def names(self) -> list[str]:
        """Return the instances' names in order."""
        return _names(self.instances)

    def home(self, number: int) -> Path:
        """Return the home folder of the instance with that number."""
        return self.servers[number].home if self.servers else self.folder / "homes" / self.names()[number]

    def stop_servers(self) -> None:
        """End the instances' servers."""
        for server in self.servers:
            server.stop()

    def logged_bytes(self) -> int:
        """Return how much of all logs has come home."""
        return sum(path.stat().st_size for path in (self.folder / "state" / "logs").rglob("trajectory.log"))

    def end_agents(self) -> None:
        """Have the agents end, and wait until their jobs have."""
        self._end_file.touch()
        end = time.monotonic() + _END_SECONDS
        while self._jobs("pid") != self._jobs("exit"):
            assert time.monotonic() < end, "the agents did not end"
            time.sleep(0.05)

    def _jobs(self, file: str) -> set[Path]:
        homes = (self.home(number) for number in range(self.instances))
        return {path.parent for home in homes for path in home.glob(f".velora/runs/*/trajectory/{file}")}

    @property
    def _end_file(self) -> Path:
        return self.folder / "end"

    def _file(self, command: str) -> str:
        head = f"""[fleet]\nname = "bench"\nstate = "state"\n[defaults]\nmax_disk_percent = 100
[models."{MODEL}"]\nlabel = "gpt"\n[agents.chatty]\ncommand = '''{command}'''\n"""
        return head + "".join(map(self._instance, range(self.instances)))

    def _instance(self, number: int) -> str:
        values: dict[str, object] = {"host": "local", "home": self.home(number)}
        if self.servers:
            target = self.servers[number].target()
            values = {name: getattr(target, name) for name in _REACHED_BY}
        lines = (
            f"{key} = {value if isinstance(value, int) else json.dumps(str(value))}\n" for key, value in values.items()
        )
        return f'[[instances]]\nname = "{self.names()[number]}"\n' + "".join(lines)

    def _write_homes(self) -> None:
        for number in range(self.instances):
            images = self.home(number) / ".velora" / "images"
            images.mkdir(parents=True)
            (images / "image.tar").write_bytes(_image())

    async def _write_journal(self, finished: int) -> None:
        (task,) = parse_dataset(TASK, "the benchmark")
        dataset = await asyncio.to_thread(TaskStore(self.layout.tasks).keep, task)
        names = self.names()
        async with Journal(self.layout.journal) as journal:
            for number in range(finished + self.running):
                instance = names[number % len(names)] if number < finished else names[number - finished]
                ids = {"run": f"RUN{number:05}", "attempt": 1}
                await journal.append(_created(ids["run"], number + 1, dataset))
                await journal.append(AttemptQueued(**ids, phases=PHASES, instance=instance))
                await journal.append(AttemptStarted(**ids, instance=instance, by="bench"))
                is_over = number < finished
                for phase in PHASES if is_over else PHASES[: PHASES.index("trajectory")]:
                    await journal.append(PhaseStarted(**ids, phase=phase))
                    await journal.append(PhaseFinished(**ids, phase=phase, state=PhaseState.SUCCEEDED, seconds=1.0))
                if is_over:
                    await journal.append(_ended(ids))
                else:
                    await journal.append(PhaseStarted(**ids, phase="trajectory", time_limit_seconds=600))


def _toml(value: object) -> str:
    return str(value) if isinstance(value, int) else json.dumps(str(value))


def _names(count: int) -> list[str]:
    return [f"busy{number:02}" for number in range(count)]


def _created(run: str, number: int, dataset: str) -> RunCreated:
    return RunCreated(
        run=run,
        task="shop-1",
        repo="acme/shop",
        model=MODEL,
        run_number=number,
        recipe="native",
        max_iterations=100,
        dataset=dataset,
        by="bench",
    )


def _ended(ids: dict[str, object]) -> AttemptFinished:
    return AttemptFinished(
        **ids, state=AttemptState.FINISHED, outcome=Outcome.RESOLVED, summary=Summary(f2p=(1, 1), p2p=(99, 99))
    )


def _image() -> bytes:
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode="w") as tar:
        for name in ("app", "app/repo"):
            folder = tarfile.TarInfo(name)
            folder.type, folder.mode = tarfile.DIRTYPE, 0o755
            tar.addfile(folder)
    return file.getvalue()
