"""A real instance in good order, and broken on purpose in each way: what the checks say, and what mends it."""

from __future__ import annotations

import asyncio
import shutil
import time
from collections.abc import Callable

import pytest

from tests.readiness.conftest import CONFIG, FILES, Machine
from velora_tui.domain.fleet import HARNESS_SCRIPT, OwnCheck
from velora_tui.domain.image import image_tags
from velora_tui.domain.readiness import BUILT_IN_CHECKS, CheckResult, CheckStatus
from velora_tui.domain.task import Task
from velora_tui.readiness.probe import OUTPUT_LIMIT_BYTES

pytestmark = pytest.mark.sshd

FROM_HERE = {"ssh", "image"}
ABOUT_THIS_MACHINE = {"load", "memory"}  # which may have much to do
TASK = Task.model_validate(
    {
        "instance_id": "Task-1",
        "repo": "owner/name",
        "base_commit": "abc",
        "FAIL_TO_PASS": [],
        "PASS_TO_PASS": [],
        "test_patch": "",
        "test_command": "true",
    }
)


async def test_an_instance_in_good_order_passes_every_check(machine: Machine) -> None:
    results = await machine.ask(task=TASK)
    assert results.keys() == set(BUILT_IN_CHECKS) - FROM_HERE
    wrong = {
        name: (result.status, result.detail)
        for name, result in results.items()
        if result.status is not CheckStatus.OK and name not in ABOUT_THIS_MACHINE
    }
    assert wrong == {"cached": ("warn", "not loaded yet: it must be fetched first")}
    assert {result.repair for result in results.values() if result.status is CheckStatus.OK} == {None}


async def test_a_native_fleet_is_not_asked_about_the_harness(machine: Machine) -> None:
    assert (await machine.ask(fleet=machine.fleet(recipe="native"))).keys() == {
        "disk",
        "busy",
        "load",
        "memory",
        "clock",
    }


def unset_run_bit(machine: Machine) -> None:
    (machine.root / HARNESS_SCRIPT).chmod(0o644)


def drop_script(machine: Machine) -> None:
    (machine.root / HARNESS_SCRIPT).unlink()


def change_file(machine: Machine) -> None:
    machine.put(FILES[1], "DOCKER_BUILDKIT=1\n")


def drop_file(machine: Machine) -> None:
    (machine.root / FILES[1]).unlink()


def make_folder_of_file(machine: Machine) -> None:
    drop_file(machine)
    (machine.root / FILES[1]).mkdir()


def break_poetry(machine: Machine) -> None:
    machine.stub("poetry", "echo \"ModuleNotFoundError: No module named 'openhands'\" >&2; exit 1")


def stop_docker(machine: Machine) -> None:
    machine.stub(
        "docker",
        "echo 'Cannot connect to the Docker daemon at unix:///var/run/docker.sock. Is the docker daemon running?' >&2\n"
        "exit 1",
    )


def lock_docker(machine: Machine) -> None:
    machine.stub("docker", "echo 'permission denied while trying to connect to the Docker daemon socket' >&2; exit 1")


def puzzle_docker(machine: Machine) -> None:
    machine.stub("docker", "echo 'segmentation fault'; exit 139")


def drop_git(machine: Machine) -> None:
    shutil.rmtree(machine.root / ".git")


def empty_git(machine: Machine) -> None:
    drop_git(machine)
    machine.git("init", "-q")


def drop_section(machine: Machine) -> None:
    machine.put("config.toml", CONFIG.replace("[llm.gpt]", "# [llm.gpt]"))


def drop_config(machine: Machine) -> None:
    (machine.root / "config.toml").unlink()


def set_variable(machine: Machine) -> None:
    (machine.home / ".bashrc").write_text('echo hello\nexport RUNTIME_CONTAINER_IMAGE="skip"  # for now\n')


def configure_variable(machine: Machine) -> None:
    machine.put("config.toml", f'{CONFIG}[sandbox]\nruntime_container_image = "skip"\n')


def fill_docker(machine: Machine) -> None:
    machine.stub("docker", r"printf 'Images\t90.1GB\t60GB (66%%)\nContainers\t1.5MB\t0B\n'")


def refuse_aws(machine: Machine) -> None:
    machine.stub("aws", "echo 'An error occurred (AccessDenied) when calling ListObjectsV2' >&2; exit 254")


def lose_aws_keys(machine: Machine) -> None:
    machine.stub("aws", "echo 'Unable to locate credentials. You can configure them' >&2; exit 255")


def puzzle_aws(machine: Machine) -> None:
    machine.stub("aws", "echo 'Could not connect to the endpoint URL' >&2; exit 255")


@pytest.mark.parametrize(
    ("break_it", "check", "status", "says", "repair"),
    [
        (unset_run_bit, "script", "fail", "not executable", "push-files"),
        (drop_script, "script", "fail", "missing", "push-files"),
        (change_file, "files", "fail", "1/2: docker.py differs from the good copy", "push-files"),
        (drop_file, "files", "fail", "1/2: docker.py is missing", "push-files"),
        (make_folder_of_file, "files", "unknown", "1/2 can't be read", "push-files"),
        (break_poetry, "poetry", "fail", "No module named 'openhands'", None),
        (break_poetry, "datasets", "fail", "No module named", "install-datasets"),
        (stop_docker, "docker", "fail", "the Docker daemon does not run", "start-docker"),
        (lock_docker, "docker", "fail", "may not use Docker's socket", None),
        (puzzle_docker, "docker", "unknown", "status 139, it says segmentation fault", "start-docker"),
        (stop_docker, "docker-disk", "unknown", "the Docker daemon does not run", None),
        (fill_docker, "docker-disk", "warn", "90 GB in all, 60 GB of it unused", "drop-runtime-images"),
        (drop_git, "git", "fail", "not a git repository", "git-init"),
        (empty_git, "git", "fail", "has no commit", "git-init"),
        (drop_section, "config", "fail", "1/2: no section [llm.gpt]", None),
        (drop_config, "config", "fail", "config.toml is missing", None),
        (set_variable, "env", "fail", "RUNTIME_CONTAINER_IMAGE=skip in ", "unset-variable"),
        (configure_variable, "env", "fail", "runtime_container_image=skip in ./config.toml", "unset-variable"),
        (refuse_aws, "credentials", "fail", "(AccessDenied)", None),
        (lose_aws_keys, "credentials", "fail", "Unable to locate credentials", None),
        (puzzle_aws, "credentials", "unknown", "Could not connect to the endpoint", None),
    ],
)
async def test_what_is_broken_is_found(
    machine: Machine, break_it: Callable[[Machine], None], check: str, status: str, says: str, repair: str | None
) -> None:
    break_it(machine)
    result = (await machine.ask(check))[check]
    assert (result.status, result.repair) == (status, repair), result
    assert says in result.detail


async def test_a_harness_that_is_not_there_is_nobodys_to_mend(machine: Machine) -> None:
    shutil.rmtree(machine.root)
    results = await machine.ask()
    for name in ("script", "poetry", "files", "git", "datasets", "config"):
        assert (results[name].status, results[name].repair) == ("fail", None)
        assert results[name].detail == "there is no harness at ~/SWETEs7/the harness"
    assert results["env"].status is CheckStatus.OK


async def test_a_full_disk(machine: Machine) -> None:
    result = (await machine.ask("disk", fleet=machine.fleet(max_disk_percent=0)))["disk"]
    assert (result.status, result.blocking, result.repair) == ("fail", True, "free-disk")
    assert result.detail.endswith("% used, limit 0 %")


@pytest.mark.usefixtures("machine_alone")
async def test_a_run_started_by_hand(machine: Machine) -> None:
    machine.stub("run_infer.py", "sleep 60")
    folder = machine.home / ".local/bin"
    process = await asyncio.create_subprocess_exec("./run_infer.py", "--api-key", "hush-hush", cwd=folder)
    try:
        result = (await machine.ask("busy"))["busy"]
    finally:
        process.kill()
        await process.wait()
    assert (result.status, result.repair) == ("fail", "kill-stray")
    assert f"{process.pid} of " in result.detail
    assert "run_infer.py --api-key ..." in result.detail
    assert "hush" not in result.output


async def test_the_image_is_loaded_already(machine: Machine) -> None:
    tag = image_tags(TASK)[0]
    machine.stub("docker", f'[ "$5" = {tag} ] && echo sha256:abc || exit 64')
    result = (await machine.ask("cached", task=TASK))["cached"]
    assert (result.status, result.detail) == ("ok", "loaded")


async def test_the_daemon_that_the_fleet_file_names_is_asked(machine: Machine) -> None:
    machine.stub("docker", '[ "$DOCKER_HOST" = "unix:///run/my docker.sock" ] && echo 20.10.24+dfsg1')
    machine.changes["docker_socket"] = "/run/my docker.sock"
    assert (await machine.ask("docker"))["docker"].detail == "answers, version 20.10.24+dfsg1"


async def test_probes_see_the_variables_that_a_run_gets(machine: Machine) -> None:
    machine.stub("aws", 'test "$AWS_SECRET_ACCESS_KEY" = "a key" || { echo Unable to locate credentials; exit 255; }')
    assert (await machine.ask("credentials"))["credentials"].status is CheckStatus.FAIL
    machine.changes["env"] = {"AWS_SECRET_ACCESS_KEY": "a key"}
    assert (await machine.ask("credentials"))["credentials"].status is CheckStatus.OK


async def test_a_variable_of_the_fleet_file_counts_once(machine: Machine) -> None:
    machine.changes["env"] = {"RUNTIME_CONTAINER_IMAGE": "skip"}
    result = (await machine.ask("env"))["env"]
    assert (result.status, result.detail) == ("fail", "RUNTIME_CONTAINER_IMAGE=skip in the fleet file")
    assert result.repair is None, "no repair of ours changes the fleet file"


async def test_a_docker_without_a_version_answers_all_the_same(machine: Machine) -> None:
    machine.stub("docker", "exit 0")
    assert (await machine.ask("docker"))["docker"].status == "ok"


async def test_a_hung_docker_delays_nobody(machine: Machine) -> None:
    machine.stub("docker", "trap '' TERM; sleep 300 & wait; sleep 300")
    results: dict[str, CheckResult] = {}
    started = time.monotonic()
    asking = asyncio.create_task(machine.ask_each(results))
    while len(results) < len(BUILT_IN_CHECKS) - len(FROM_HERE) - 3:  # docker, docker-disk; no task for `cached`
        assert not asking.done()
        assert time.monotonic() - started < 9, f"only {sorted(results)}"
        await asyncio.sleep(0.02)
    assert {"docker", "docker-disk"}.isdisjoint(results)
    asking.cancel()
    await asyncio.wait({asking})


async def test_a_hung_docker_is_not_asked_for_its_disk_use(machine: Machine) -> None:
    machine.stub("docker", "echo \"$*\" >>~/asked; trap '' TERM; sleep 300")
    started = time.monotonic()
    results = await machine.ask("docker", "docker-disk")
    assert time.monotonic() - started < 20
    docker, disk = results["docker"], results["docker-disk"]
    assert (docker.status, disk.status, docker.repair, disk.repair) == ("fail", "unknown", None, None)
    assert docker.detail == disk.detail == "Docker does not answer within 8 s: restart its daemon by hand"
    assert "system df" not in (machine.home / "asked").read_text()


async def test_several_hung_probes_wait_at_the_same_time(machine: Machine) -> None:
    own = [OwnCheck(id=f"hung-{number}", command="sleep 300", blocking=True) for number in range(4)]
    started = time.monotonic()
    results = await machine.ask(*(check.id for check in own), "disk", fleet=machine.fleet(*own))
    assert 10 <= time.monotonic() - started < 18
    assert results["disk"].status is CheckStatus.OK
    for check in own:
        assert (results[check.id].status, results[check.id].detail) == ("unknown", "no answer within 10 s")
        assert results[check.id].blocks


HOSTILE = r"""
for id in hello disk busy script docker; do
    printf 'NONCE %s 0 3\nbad\n' "$id"
done
printf '\033[2J\033]0;owned\007\000\377 [/b] \r\n\n'
"""
NONCE = "f" * 32


async def test_hostile_output_answers_for_nothing_else(machine: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("velora_tui.readiness.probe.secrets.token_hex", lambda _: NONCE)
    machine.stub("docker", HOSTILE.replace("NONCE", NONCE))
    (machine.home / ".bashrc").write_text(HOSTILE.replace("NONCE", "0" * 32) + "printf 'no newline at the end'\n")
    results = await machine.ask("docker", "disk", "script")
    assert (results["disk"].status, results["script"].status) == ("ok", "ok")
    docker = results["docker"]
    assert (docker.status, "[/b]" in docker.detail, docker.detail.isprintable()) == ("unknown", True, True)
    assert f"{NONCE} disk 0 3\nbad" in docker.output


async def test_output_without_end_is_cut_and_ends_the_command(machine: Machine) -> None:
    own = (OwnCheck(id="loud", command="yes"), OwnCheck(id="found", command="yes", expect="^y$|y\\ny"))
    results = await machine.ask("loud", "found", fleet=machine.fleet(*own))
    assert results["loud"].status is CheckStatus.UNKNOWN
    assert 1000 < len(results["loud"].output) <= OUTPUT_LIMIT_BYTES
    assert results["found"].status is CheckStatus.OK


@pytest.mark.parametrize(
    ("command", "expect", "status", "says"),
    [
        ("echo 545.23", r"^5\d\d\.", "ok", "545.23"),
        ("echo 390.1", r"^5\d\d\.", "fail", "is not in what it says: 390.1"),
        ("true", None, "ok", "passed"),
        ("false", None, "fail", "status 1: it says nothing"),
        ("echo 545.23; exit 3", r"^5\d\d\.", "fail", "status 3: 545.23"),
        ("no-such-program", None, "unknown", "it can't be run"),
        ("echo \"it's 'quoted'\"; # comment", "it's 'quoted'", "ok", "it's 'quoted'"),
    ],
)
async def test_checks_of_the_operators_own(
    machine: Machine, command: str, expect: str | None, status: str, says: str
) -> None:
    own = OwnCheck(id="mine", command=command, expect=expect, blocking=True, repair="mend it")
    result = (await machine.ask("mine", fleet=machine.fleet(own)))["mine"]
    assert (result.status, result.blocking) == (status, True)
    assert says in result.detail
    assert result.repair == (None if status == "ok" else "own:mine")


async def test_a_script_too_long_for_a_command_line_is_asked_as_well(machine: Machine) -> None:
    own = OwnCheck(id="long", command=f": {'x' * 90_000}\necho done", expect="done")
    assert (await machine.ask("long", fleet=machine.fleet(own)))["long"].status is CheckStatus.OK
