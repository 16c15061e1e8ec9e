"""Broken machines, storage, images and agents: each ends one attempt with one classified failure, and nothing else."""

from __future__ import annotations

import io
import json
import os
import tarfile
from pathlib import Path

import aioboto3
import pytest

from tests.engine.conftest import MakeEngine
from tests.engine.following import ended
from velora_tui.demo.fleet import DemoFleet
from velora_tui.domain.events import AttemptState
from velora_tui.domain.failure import Failure, FailureClass
from velora_tui.domain.fleet import Agent, Fleet, Instance
from velora_tui.domain.requests import RunRequest
from velora_tui.engine.engine import Engine
from velora_tui.errors import InstanceNotReady

pytestmark = pytest.mark.asyncio(loop_scope="module")

BUCKET = "kuberha-velora"


def request_for(dataset: Path | str, **changes: object) -> RunRequest:
    return RunRequest.model_validate(
        {"dataset": str(dataset), "model": "llm.gpt", "instance": "eval1", "force": True, **changes}
    )


def with_instance(fleet: Fleet, **changes: object) -> Fleet:
    """Return the fleet with its first instance changed."""
    first, *rest = fleet.instances
    return fleet.model_copy(update={"instances": (first.model_copy(update=changes), *rest)})


def dataset_with(demo: DemoFleet, folder: Path, **changes: object) -> Path:
    record = json.loads(demo.datasets[0].read_text())
    path = folder / "dataset.json"
    path.write_text(json.dumps({**record, **changes}))
    return path


async def failure_of_run(engine: Engine, request: RunRequest) -> Failure:
    """Run to the end and return the failure, which must be there."""
    with engine.observe() as subscription:
        run = await engine.start(request)
        (attempt,) = await ended(engine, subscription, [run])
    assert attempt.state is AttemptState.FAILED
    assert attempt.failure is not None
    return attempt.failure


async def test_a_machine_that_is_down(demo: DemoFleet, fleet: Fleet, make_engine: MakeEngine) -> None:
    async with make_engine(with_instance(fleet, port=1)) as engine:
        with pytest.raises(InstanceNotReady, match="ssh: unreachable"):
            await engine.start(request_for(demo.datasets[0], force=False))
        failure = await failure_of_run(engine, request_for(demo.datasets[0]))
    assert (failure.failure_class, failure.signature) == (FailureClass.INFRASTRUCTURE, "ssh-unreachable")


async def test_a_changed_host_key_is_refused_loudly(
    demo: DemoFleet, fleet: Fleet, make_engine: MakeEngine, tmp_path: Path
) -> None:
    port, other = fleet.instances[0].port, fleet.instances[1].port
    known = (fleet.defaults.known_hosts or tmp_path).read_text().splitlines()
    stolen = next(line for line in known if f"]:{other} " in line).split(" ", 1)[1]
    forged = tmp_path / "known_hosts"
    forged.write_text(f"[127.0.0.1]:{port} {stolen}\n")
    async with make_engine(with_instance(fleet, known_hosts=forged)) as engine:
        with pytest.raises(InstanceNotReady, match="host key changed"):
            await engine.start(request_for(demo.datasets[0], force=False))
        failure = await failure_of_run(engine, request_for(demo.datasets[0]))
    assert failure.signature == "ssh-host-key-changed"


async def test_a_storage_that_does_not_answer(demo: DemoFleet, fleet: Fleet, make_engine: MakeEngine) -> None:
    dead = fleet.s3.model_copy(update={"endpoint_url": "http://127.0.0.1:1"})
    async with make_engine(fleet.model_copy(update={"s3": dead})) as engine:
        failure = await failure_of_run(engine, request_for(demo.datasets[0]))
    assert (failure.failure_class, failure.signature) == (FailureClass.INFRASTRUCTURE, "s3-error")
    assert "127.0.0.1:1" in failure.message


async def test_an_image_that_is_not_there_is_the_tasks_fault(
    demo: DemoFleet, make_engine: MakeEngine, tmp_path: Path
) -> None:
    dataset = dataset_with(demo, tmp_path, image_storage_uri="registry.example/none:404")
    async with make_engine() as engine:
        failure = await failure_of_run(engine, request_for(dataset))
    assert (failure.failure_class, failure.signature) == (FailureClass.TASK, "image-missing")


def unsafe_member(kind: str) -> tarfile.TarInfo:
    member = tarfile.TarInfo("../evil.txt" if kind == "dots" else "/evil.txt" if kind == "absolute" else "link")
    if kind == "symlink":
        member.type, member.linkname = tarfile.SYMTYPE, "/etc/passwd"
    elif kind == "hardlink":
        member.type, member.linkname = tarfile.LNKTYPE, "../../evil.txt"
    elif kind == "device":
        member.type = tarfile.CHRTYPE
    return member


@pytest.mark.parametrize("kind", ["dots", "absolute", "symlink", "hardlink", "device"])
async def test_an_unsafe_archive_is_not_unpacked(
    demo: DemoFleet, fleet: Fleet, make_engine: MakeEngine, tmp_path: Path, kind: str
) -> None:
    archive = io.BytesIO()
    with tarfile.open(fileobj=archive, mode="w") as tar:
        tar.addfile(unsafe_member(kind), io.BytesIO(b""))
    session = aioboto3.Session("demo", "demo-secret", region_name="us-east-1")
    async with session.client("s3", endpoint_url=fleet.s3.endpoint_url) as s3:
        await s3.put_object(Bucket=BUCKET, Key=f"evil/{kind}.tar", Body=archive.getvalue())
    dataset = dataset_with(demo, tmp_path, image_storage_uri=f"s3://{BUCKET}/evil/{kind}.tar")
    async with make_engine() as engine:
        failure = await failure_of_run(engine, request_for(dataset))
    assert failure.signature == "image-unsafe"
    assert not list(demo.fleet_file.parent.rglob("evil.txt"))


async def test_a_flood_of_hostile_bytes_is_kept_to_the_byte(
    demo: DemoFleet, fleet: Fleet, make_engine: MakeEngine, tmp_path: Path
) -> None:
    """An instance that is this machine, and an agent that prints 50 MB in one line and then gives up."""
    flood = (
        "python3 -c 'import sys; out = sys.stdout.buffer; "
        'out.write(b"\\x1b]0;title\\x07\\x1b[2J\\xff\\xfe\\r\\n" + b"x" * 50_000_000 + b"\\n"); sys.exit(3)\''
    )
    local = Instance(name="here", host="local", home=tmp_path / "home", max_disk_percent=100)
    (tmp_path / "home").mkdir()
    changed = fleet.model_copy(update={"instances": (local,), "agents": {"scripted": Agent(command=flood)}})
    async with make_engine(changed) as engine:
        failure = await failure_of_run(engine, request_for(demo.datasets[0], instance="here"))
        (run,) = engine.snapshot().runs.values()
        ours = engine.log_path(run.run, 1, "trajectory").read_bytes()
    theirs = (tmp_path / f"home/.velora/runs/{run.run}.1/trajectory/log").read_bytes()
    assert failure.failure_class is FailureClass.AGENT
    assert len(theirs) > 50_000_000
    assert ours.startswith(theirs), "our copy has every byte, and then what Velora says of the end"


async def test_a_golden_patch_that_leaves_the_repository(
    demo: DemoFleet, make_engine: MakeEngine, tmp_path: Path
) -> None:
    patch = "diff --git a/../../x b/../../x\n--- a/../../x\n+++ b/../../x\n@@ -1 +1 @@\n-a\n+b\n"
    dataset = dataset_with(demo, tmp_path, test_patch=patch, test_patches=None)
    async with make_engine() as engine:
        failure = await failure_of_run(engine, request_for(dataset))
    assert (failure.failure_class, failure.phase) == (FailureClass.TASK, "evaluation")


async def test_an_instance_without_curl_fetches_with_python(
    demo: DemoFleet, fleet: Fleet, make_engine: MakeEngine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "home").mkdir()
    (tmp_path / "bin").mkdir()
    for folder in os.environ["PATH"].split(":"):
        for program in Path(folder).glob("*"):
            if program.name != "curl" and not (tmp_path / "bin" / program.name).is_symlink():
                (tmp_path / "bin" / program.name).symlink_to(program)
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    local = Instance(name="here", host="local", home=tmp_path / "home", max_disk_percent=100)
    agent = Agent(command="echo no work today; exit 7")
    changed = fleet.model_copy(update={"instances": (local,), "agents": {"scripted": agent}})
    async with make_engine(changed) as engine:
        failure = await failure_of_run(engine, request_for(demo.datasets[0], instance="here"))
    assert failure.phase == "trajectory", "the image arrived without curl"
