"""The embedded fleet as a whole: laid out in a folder, served by two processes, and ended without a trace."""

from __future__ import annotations

import asyncio
import json
import os
import secrets
import shutil
from collections.abc import AsyncIterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from velora_tui.demo import small_disk
from velora_tui.demo.fleet_file import BUCKET, MODELS, PREFIX, Endpoint, FleetSettings
from velora_tui.demo.image import Image, build_image
from velora_tui.demo.keys import public_key
from velora_tui.demo.leftovers import end_leftovers
from velora_tui.demo.server_config import LOOPBACK, Machine, Machines, Shelf
from velora_tui.demo.server_process import ServerProcess
from velora_tui.demo.task_data import TaskData, load_tasks

USER = "velora"
AGENT_FOLDER = Path(__file__).parent / "agent"
REFUSING_INSTANCE = 4  # counted from 1: its disk is over its limit, until a repair has freed it
DOWNLOAD_BYTES_PER_SECOND = 2_000_000.0  # at speed 1: an image takes a second and a half
GIT_WORKERS = 3


@dataclass(frozen=True)
class DemoRun:
    """One cell of the demo's task × model matrix."""

    dataset: Path
    instance_id: str
    model: str


@dataclass(frozen=True)
class Provision:
    """A demo that is laid out in `root` and can be served; `datasets` are in the order of `runs`."""

    root: Path
    seed: int
    speed: float
    machines: tuple[Machine, ...]
    images: tuple[Image, ...]
    datasets: tuple[Path, ...]
    combined_dataset: Path
    runs: tuple[DemoRun, ...]

    @property
    def overloaded_image(self) -> Image:
        """The image whose first download fails."""
        return self.images[self.seed % len(self.images)]


@dataclass(frozen=True)
class DemoFleet:
    """A running demo: its fleet file, its datasets (one a task, and all in one), and its runs."""

    fleet_file: Path
    state: Path
    datasets: tuple[Path, ...]
    combined_dataset: Path
    runs: tuple[DemoRun, ...]
    refusing_instance: str | None
    server_pids: tuple[int, ...]


@asynccontextmanager
async def demo_fleet(root: Path, instances: int = 8, seed: int = 1, speed: float = 1.0) -> AsyncIterator[DemoFleet]:
    """Lay out the demo in `root` and serve it until the context is left. Raises Unreachable."""
    async with _servers(root) as (ssh, s3):
        provisioned = await asyncio.to_thread(provision, root, instances, seed, speed)
        async with _serving(provisioned, ssh, s3) as fleet:
            yield fleet


@asynccontextmanager
async def serve(provisioned: Provision) -> AsyncIterator[DemoFleet]:
    """Serve a demo until the context is left; every process it started has ended then. Raises Unreachable."""
    async with _servers(provisioned.root) as (ssh, s3), _serving(provisioned, ssh, s3) as fleet:
        yield fleet


def provision(root: Path, instances: int, seed: int, speed: float) -> Provision:
    """Lay out homes, keys, images and datasets in `root`; what is already there is used again."""
    root = private_folder(root)
    tasks = load_tasks()
    with ThreadPoolExecutor(GIT_WORKERS) as workers:
        building = [workers.submit(build_image, task, root / "cache") for task in tasks]
        machines = tuple(_machine(root / "instances" / f"eval{number}") for number in range(1, instances + 1))
        if refusing := _refusing(machines):
            small_disk.fill_disk(refusing.home)
        images = tuple(future.result() for future in building)
    datasets, combined = _write_datasets(root / "datasets", tasks, images)
    runs = tuple(
        DemoRun(dataset, task.instance_id, model)
        for model in MODELS
        for dataset, task in zip(datasets, tasks, strict=True)
    )
    return Provision(root, seed, speed, machines, images, datasets, combined, runs)


def _refusing(machines: tuple[Machine, ...]) -> Machine | None:
    return machines[REFUSING_INSTANCE - 1] if len(machines) >= REFUSING_INSTANCE else None


def private_folder(path: Path) -> Path:
    """Make the folder `path` for this user alone and return its absolute path."""
    path.mkdir(mode=0o700, parents=True, exist_ok=True)
    path.chmod(0o700)
    return path.absolute()


def _machine(folder: Path) -> Machine:
    private_folder(folder)
    home = private_folder(folder / "home")
    shutil.copytree(AGENT_FOLDER, home / "agent", dirs_exist_ok=True, ignore=shutil.ignore_patterns("__pycache__"))
    public_key(folder / "host_key")
    authorized = folder / "authorized_keys"
    authorized.write_text(public_key(folder / "client_key") + "\n", encoding="ascii")
    return Machine(folder.name, USER, home, folder / "host_key", authorized)


def _write_datasets(
    folder: Path, tasks: tuple[TaskData, ...], images: tuple[Image, ...]
) -> tuple[tuple[Path, ...], Path]:
    """Write one dataset file a task, pretty-printed as they usually come, and one real JSON Lines file of all."""
    folder.mkdir(exist_ok=True)
    records = [task.record(image.base_commit) for task, image in zip(tasks, images, strict=True)]
    paths = tuple(folder / f"{task.instance_id}.jsonl" for task in tasks)
    for path, record in zip(paths, records, strict=True):
        path.write_text(json.dumps(record, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
    combined = folder / "all.jsonl"
    combined.write_text("".join(json.dumps(record) + "\n" for record in records), encoding="utf-8")
    return paths, combined


@asynccontextmanager
async def _servers(root: Path) -> AsyncIterator[tuple[ServerProcess, ServerProcess]]:
    await asyncio.to_thread(private_folder, root)
    async with AsyncExitStack() as stack:
        servers = []
        for name in ("ssh_server", "s3_server"):
            server = await ServerProcess.start(f"velora_tui.demo.{name}", root / f"{name}.log")
            stack.push_async_callback(server.stop)
            servers.append(server)
        yield servers[0], servers[1]


@asynccontextmanager
async def _serving(provisioned: Provision, ssh: ServerProcess, s3: ServerProcess) -> AsyncIterator[DemoFleet]:
    marker = secrets.token_hex(8)
    shelf = Shelf(
        tuple(image.path for image in provisioned.images),
        BUCKET,
        PREFIX,
        provisioned.overloaded_image.path.name,
        DOWNLOAD_BYTES_PER_SECOND * provisioned.speed,
    )
    await ssh.configure(Machines(provisioned.machines, marker).to_json())
    await s3.configure(shelf.to_json())
    s3_port, ssh_ports = (await s3.ready())["port"], (await ssh.ready())["ports"]
    try:
        yield await asyncio.to_thread(_describe, provisioned, ssh_ports, s3_port, (ssh.pid, s3.pid))
    finally:
        await ssh.stop()
        await asyncio.to_thread(end_leftovers, marker)  # again, for the case that the server could not


def _describe(provisioned: Provision, ports: Mapping[str, int], s3_port: int, pids: tuple[int, ...]) -> DemoFleet:
    """Write known_hosts and the fleet file of a demo that is being served."""
    root, machines = provisioned.root, provisioned.machines
    known_hosts = root / "known_hosts"
    lines = [f"[{LOOPBACK}]:{ports[machine.name]} {public_key(machine.host_key)}\n" for machine in machines]
    known_hosts.write_text("".join(lines), encoding="ascii")
    refusing = _refusing(machines)
    endpoints = tuple(
        Endpoint(
            machine.name,
            ports[machine.name],
            machine.home.parent / "client_key",
            small_disk.MAX_DISK_PERCENT if machine is refusing else None,
        )
        for machine in machines
    )
    settings = FleetSettings(root, USER, known_hosts, s3_port, endpoints, provisioned.seed, provisioned.speed)
    fleet_file = root / "velora.toml"
    with os.fdopen(os.open(fleet_file, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
        file.write(settings.text())
    return DemoFleet(
        fleet_file,
        root / "state",
        provisioned.datasets,
        provisioned.combined_dataset,
        provisioned.runs,
        refusing.name if refusing else None,
        pids,
    )
