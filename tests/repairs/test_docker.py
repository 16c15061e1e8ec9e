"""The repairs of Docker, with a real daemon on the instance."""

from __future__ import annotations

import os
import shlex
import time
from collections.abc import Iterator

import pytest

from tests.dockerd import Dockerd, dockerd
from tests.hosts.conftest import until
from tests.repairs.conftest import Bench, statuses
from tests.repairs.strays import begun, ended, start_stray
from velora_tui.domain.readiness import CheckStatus

pytestmark = [pytest.mark.sshd, pytest.mark.docker]

RUNTIME = "ghcr.io/all-hands-ai/runtime"


@pytest.fixture(scope="module")
def daemon() -> Iterator[Dockerd]:
    with dockerd() as daemon:
        yield daemon


@pytest.fixture
def docker(daemon: Dockerd, bench: Bench) -> Iterator[Dockerd]:
    """The daemon of the instance, empty before and after."""
    bench.changes["docker_socket"] = daemon.socket
    yield daemon
    if containers := daemon("ps", "-aq").split():
        daemon("rm", "-f", *containers)
    if images := daemon("image", "ls", "-aq").split():
        daemon("rmi", "-f", *dict.fromkeys(images))


def run(docker: Dockerd, name: str, image: str, command: str = "sleep 600") -> str:
    return docker("run", "-d", "--network", "none", "--name", name, image, "/bin/sh", "-c", command)


def stopped(docker: Dockerd, name: str, image: str) -> str:
    container = run(docker, name, image, "exit 0")
    docker("wait", name)
    return container


def old_tar(bench: Bench, name: str, *, minutes: int) -> str:
    path = bench.put(name, "tar" * 1000)
    then = time.time() - minutes * 60
    os.utime(path, (then, then))
    return str(path)


async def test_free_disk_removes_what_nothing_needs_and_shows_it_first(bench: Bench, docker: Dockerd) -> None:
    dangling, keep = docker.image(mark="dangling"), docker.image("keep:1")
    task = docker.image("mswebench/sweb.eval.x86_64.1:latest", "mswebench/o_m_n:pr-1")
    stopped(docker, "over", "keep:1")
    running = run(docker, "at-work", "keep:1")
    tar, fresh = old_tar(bench, "old-1.tar", minutes=120), old_tar(bench, "fresh-1.tar", minutes=1)
    plan, result = await bench.mend("disk")
    assert plan.repair == "free-disk"
    kinds = {(thing.kind, thing.name): thing.size_bytes for thing in plan.affected}
    assert set(kinds) == {
        ("container", "over"),
        ("dangling image", dangling.removeprefix("sha256:")[:12]),
        ("image tar", tar),
    }
    assert kinds["image tar", tar] == 3000
    assert plan.frees_bytes == sum(size or 0 for size in kinds.values())
    assert plan.frees_bytes > 1_000_000
    assert result.mended, result
    assert result.freed_bytes is not None
    assert not docker.has(dangling)
    assert docker.has(keep)
    assert docker.has(task)
    assert docker("ps", "-aq", "--no-trunc") == running
    assert [path.name for path in bench.root.glob("*.tar")] == [fresh.rpartition("/")[2]]


async def test_task_images_go_where_the_rest_is_not_enough(bench: Bench, docker: Dockerd) -> None:
    idle = docker.image("mswebench/sweb.eval.x86_64.1:latest", "mswebench/o_m_n:pr-1")
    used = docker.image("mswebench/sweb.eval.x86_64.2:latest")
    run(docker, "at-work", "mswebench/sweb.eval.x86_64.2:latest")
    bench.max_disk_percent = 0
    plan, result = await bench.mend("free-disk")
    assert [thing.kind for thing in plan.affected] == ["task image"]
    assert plan.affected[0].name.startswith("mswebench/")
    assert "this alone does not bring the disk under its limit" in plan.notes
    assert not result.error
    assert not result.mended  # the disk is still over its limit, which nothing can be under
    assert not docker.has(idle)
    assert docker.has(used)


async def test_an_image_that_was_named_anew_meanwhile_stays(bench: Bench, docker: Dockerd) -> None:
    docker.image(f"{RUNTIME}:oh_v1", mark="old")
    async with bench.engine() as engine:
        (plan,) = await engine.plan_repair(["eval1"], "drop-runtime-images")
        new = docker.image(f"{RUNTIME}:oh_v1", mark="new")
        result = await engine.repair(plan)
    assert "changed since the plan was shown" in result.error
    assert docker.has(new)


async def test_runtime_images_are_dropped_unless_they_are_used(bench: Bench, docker: Dockerd) -> None:
    cached = docker.image(f"{RUNTIME}:oh_v0.39_abc", f"{RUNTIME}:oh_v0.39")
    used = docker.image(f"{RUNTIME}:oh_v0.40", mark="used")
    other = docker.image("mswebench/other:latest")
    stopped(docker, "openhands-runtime-1", cached)
    run(docker, "openhands-runtime-2", used)
    plan, result = await bench.mend("drop-runtime-images")
    assert [(thing.kind, thing.name) for thing in plan.affected] == [
        ("container", "openhands-runtime-1"),
        ("runtime image", f"{RUNTIME}:oh_v0.39"),
    ]
    assert plan.notes == (f"{RUNTIME}:oh_v0.40 stays: a container uses it",)
    assert not result.error
    assert not docker.has(cached)
    assert docker.has(used)
    assert docker.has(other)


async def test_nothing_to_free_is_said(bench: Bench, docker: Dockerd) -> None:
    for name, said in (("free-disk", "nothing there can safely go"), ("drop-runtime-images", "no runtime image")):
        plan = await bench.plan(name)
        assert plan.steps == ()
        assert plan.nothing_to_do.startswith(said)


async def test_a_docker_that_answers_nonsense_refuses_there_alone(bench: Bench) -> None:
    bench.tool("docker", 'case "$*" in version*) echo 24 ;; "system df"*) echo "cache 5" ;; esac')
    plan = await bench.plan("free-disk")
    assert plan.refused.startswith("its answer cannot be understood")


async def test_without_a_daemon_only_tars_go(bench: Bench) -> None:
    bench.changes["docker_socket"] = "/nonexistent.sock"
    old_tar(bench, "old-1.tar", minutes=120)
    plan, result = await bench.mend("free-disk")
    assert [thing.kind for thing in plan.affected] == ["image tar"]
    assert "Docker does not answer: what it holds stays" in plan.notes
    assert result.mended
    assert list(bench.root.glob("*.tar")) == []


@pytest.mark.usefixtures("machine_alone")
async def test_the_containers_of_a_stray_run_go_with_it(bench: Bench, docker: Dockerd) -> None:
    image = docker.image(f"{RUNTIME}:oh_v1")
    older = run(docker, "openhands-runtime-older", image)
    made = time.time()
    await until(lambda: time.time() > made + 0.2)  # the start of a process is known to a tenth of a second
    stray = start_stray(bench)
    try:
        await begun(stray)
        run(docker, "openhands-runtime-1", image)
        other = run(docker, "somebody-elses", image)
        plan, result = await bench.mend("kill-stray")
        assert [thing.name for thing in plan.affected if thing.kind == "container"] == ["openhands-runtime-1"]
        assert result.mended, result
        await ended(stray)
        assert set(docker("ps", "-q", "--no-trunc").split()) == {older, other}
    finally:
        stray.kill()


async def test_a_disk_is_freed_although_no_lease_can_be_had(bench: Bench) -> None:
    """No lease can be made: a file stands where its folder would be."""
    bench.changes["docker_socket"] = "/nonexistent.sock"
    old_tar(bench, "old-1.tar", minutes=120)
    (bench.sshd.home / ".velora").write_text("")
    _, other = await bench.mend("git-init")
    assert other.error
    assert other.done == ()
    assert not (bench.root / ".git").exists()
    _, result = await bench.mend("free-disk")
    assert result.mended, result
    assert list(bench.root.glob("*.tar")) == []


# --- starting the daemon


@pytest.fixture
def service(bench: Bench) -> Iterator[Dockerd]:
    """A daemon that is down, and a service manager that starts it."""
    with dockerd(running=False) as daemon:
        start = f"setsid {shlex.join(daemon.command)} >{daemon.folder}/log 2>&1 </dev/null &"
        bench.tool("systemctl", start)
        bench.tool("service", start)
        bench.changes["docker_socket"] = daemon.socket
        yield daemon


async def test_docker_is_started(bench: Bench, service: Dockerd) -> None:
    plan, result = await bench.mend("docker")
    assert plan.repair == "start-docker"
    assert (
        plan.steps[0]
        .command.split("\n")[0]
        .endswith(("systemctl start docker || exit", "service docker start || exit"))
    )
    assert statuses(result) == (CheckStatus.FAIL, CheckStatus.OK)
    assert result.mended
    again = await bench.plan("start-docker")
    assert again.nothing_to_do == "Docker answers"


def as_ordinary_user(bench: Bench, sudo: str) -> None:
    """Have the instance's user be no root, with that `sudo`."""
    bench.tool("id", 'case "$1" in -u) echo 1000 ;; *) echo ubuntu ;; esac')
    bench.tool("sudo", sudo)
    bench.tool("systemctl", "exit 1")
    bench.tool("service", "exit 1")
    bench.changes["docker_socket"] = "/nonexistent.sock"


async def test_a_sudo_that_asks_for_a_password_is_told(bench: Bench) -> None:
    as_ordinary_user(bench, 'echo "sudo: a password is required" >&2; exit 1')
    plan, result = await bench.mend("start-docker")
    assert plan.steps == ()
    assert plan.refused.startswith("sudo asks for a password there: run `sudo ")
    assert not result.mended


async def test_a_sudo_that_asks_only_then_is_told(bench: Bench) -> None:
    as_ordinary_user(bench, '[ "$2" = -l ] || { echo "sudo: a password is required" >&2; exit 1; }')
    plan, result = await bench.mend("start-docker")
    assert plan.steps[0].command.startswith("sudo -n ")
    assert "a password is required" in result.error
    assert "run the command by hand" in result.error
    assert statuses(result) == (CheckStatus.FAIL, CheckStatus.FAIL)


async def test_a_daemon_that_the_user_may_not_use_is_not_started(bench: Bench) -> None:
    bench.tool("docker", 'echo "permission denied while trying to connect to the Docker daemon socket" >&2; exit 1')
    plan = await bench.plan("start-docker")
    assert plan.steps == ()
    assert "add that user to the group docker" in plan.refused
