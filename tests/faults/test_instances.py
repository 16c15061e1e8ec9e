"""Instances of which each has one fault, next to a sound one: what each says, and that the others don't notice."""

from __future__ import annotations

import asyncio
import os
import shutil
import socket
from collections.abc import Callable
from contextlib import ExitStack, closing
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from tests.engine.following import ended
from tests.faults import accounts
from tests.harness.bench import ROOT, Bench, Shown
from tests.sshd import Sshd, free_port, make_key, make_sshd, why_not
from velora_tui.domain.events import AttemptState
from velora_tui.domain.fleet import Instance
from velora_tui.domain.report import Outcome
from velora_tui.engine.engine import Engine
from velora_tui.store.layout import Layout

SOMEBODY = 61234
TOOLS = ("/bin", "/usr/bin")

pytestmark = [pytest.mark.sshd, pytest.mark.asyncio(loop_scope="module"), pytest.mark.timeout(180)]


@dataclass
class Place:
    """Where instances are made; what they need ends with `stack`."""

    folder: Path
    stack: ExitStack
    benches: dict[str, Bench] = field(default_factory=dict)

    def server(self, name: str, *lines: str, **fields: Any) -> Sshd:
        server = make_sshd(self.folder / name, *lines, **fields)
        self.stack.callback(server.stop)
        return server

    def add(self, name: str, server: Sshd, **reach: Any) -> Bench:
        """Add an instance with the harness, reached through `server`."""
        target = server.target()
        fields = ("host", "port", "user", "identity_file", "known_hosts", "ssh_config")
        bench = Bench(
            self.folder / f"{name}.bench", server.home, {**{key: getattr(target, key) for key in fields}, **reach}
        )
        bench.folder.mkdir()
        bench.install()
        bench.task["instance_id"] = name
        self.benches[name] = bench
        return bench

    def account(self, name: str, **fields: Any) -> Sshd:
        """Make a server whose user is not root."""
        launcher = accounts.account(self.folder / name, **fields)
        keys = f"AuthorizedKeysFile {accounts.HOME}/.ssh/authorized_keys"
        server = self.server(name, keys, launcher=launcher, user="velora", home_there=accounts.HOME)
        (server.home / ".ssh").mkdir()
        shutil.copy(server.folder / "authorized_keys", server.home / ".ssh")
        return server


def dead(place: Place, name: str) -> None:
    place.add(name, place.server(name), port=free_port())


def silent(place: Place, name: str) -> None:
    """A machine behind a firewall that drops everything: its kernel answers no more connections."""
    listener = place.stack.enter_context(closing(socket.create_server(("127.0.0.1", 0), backlog=0)))
    for _ in range(3):
        waiting = place.stack.enter_context(closing(socket.socket()))
        waiting.setblocking(False)
        waiting.connect_ex(listener.getsockname())
    place.add(name, place.server(name), port=listener.getsockname()[1])


def wrong_key(place: Place, name: str) -> None:
    make_key(place.folder / "stranger")
    place.add(name, place.server(name), identity_file=place.folder / "stranger")


def password_only(place: Place, name: str) -> None:
    place.add(name, place.server(name, "PubkeyAuthentication no", "PasswordAuthentication yes"))


def file_in_the_way(place: Place, name: str) -> None:
    server = place.server(name)
    place.add(name, server)
    (server.home / ".velora").write_text("a file where a folder should be")


def read_only_folder(place: Place, name: str) -> None:
    server = place.account(name, uid=SOMEBODY)
    place.add(name, server)
    folder = server.home / ".velora"
    folder.mkdir(mode=0o555)
    os.chown(folder, SOMEBODY, SOMEBODY)


def other_owner(place: Place, name: str) -> None:
    server = place.account(name, uid=SOMEBODY)
    place.add(name, server)
    (server.home / ".velora" / "runs").mkdir(parents=True)
    (server.home / ".velora").chmod(0o755)


def no_setsid(place: Place, name: str) -> None:
    tools = place.folder / "tools"
    tools.mkdir()
    for tool in (tool for folder in TOOLS for tool in Path(folder).iterdir()):
        if tool.name != "setsid" and not (tools / tool.name).is_symlink():
            (tools / tool.name).symlink_to(tool)
    home = place.folder / name / "home"
    place.add(name, place.server(name, f'SetEnv "HOME={home}" "PATH={tools}"'))


def profile_ends(place: Place, name: str) -> None:
    server = place.server(name)
    place.add(name, server)
    (server.home / ".bashrc").write_text("echo 'maintenance until noon'\nexit 1\n")


def profile_becomes_another(place: Place, name: str) -> None:
    server = place.server(name)
    place.add(name, server)
    (server.home / ".bashrc").write_text("exec echo 'another shell'\n")


def no_shell(place: Place, name: str) -> None:
    place.add(name, place.account(name, uid=SOMEBODY, login_shell="/usr/sbin/nologin"))


def script_missing(place: Place, name: str) -> None:
    bench = place.add(name, place.server(name))
    shutil.rmtree(bench.root / "evaluation")


def script_not_executable(place: Place, name: str) -> None:
    bench = place.add(name, place.server(name))
    for script in bench.root.rglob("run_full_eval_with_s3.sh"):
        script.chmod(0o644)


@dataclass(frozen=True)
class Expected:
    """What a fault says: the failure's signature, words of its message and evidence, and words of the next step."""

    make: Callable[[Place, str], None]
    signature: str
    words: str
    step: str
    phase: str | None = None


FAULTS = {
    "dead": Expected(dead, "ssh-unreachable", "refused", "is the instance up"),
    "silent": Expected(silent, "ssh-unreachable", "no answer from 127.0.0.1 within 20 s", "firewall"),
    "wrong-key": Expected(wrong_key, "ssh-authentication", "stranger", "identity_file"),
    "password-only": Expected(password_only, "ssh-authentication", "password", "ssh-copy-id"),
    "file-in-the-way": Expected(file_in_the_way, "command-failed", "/.velora", "~/.velora"),
    "read-only": Expected(read_only_folder, "command-failed", "Permission denied", "owner and the mode"),
    "other-owner": Expected(other_owner, "command-failed", "Permission denied", "owner and the mode"),
    "no-setsid": Expected(no_setsid, "command-failed", "setsid is missing", "util-linux", "image"),
    "profile-ends": Expected(profile_ends, "command-failed", "status 1 before it ran a command: maint", ".bashrc"),
    "profile-execs": Expected(profile_becomes_another, "command-failed", "before it ran a command: another", ".bashrc"),
    "no-shell": Expected(no_shell, "command-failed", "not available", ".bashrc"),
    "script-missing": Expected(script_missing, "harness-missing", "harness", "harness", "image"),
    "not-executable": Expected(script_not_executable, "harness-not-executable", "executable", "chmod", "image"),
}


def sound(place: Place, name: str) -> None:
    place.add(name, place.server(name))


def noisy_profile(place: Place, name: str) -> None:
    server = place.server(name)
    place.add(name, server)
    (server.home / ".bashrc").write_text("echo welcome; echo motd >&2; sleep 3; false\n")


def printing_shell(place: Place, name: str) -> None:
    """A login shell that is no POSIX shell and prints before each command, as a wrapper of somebody's does."""
    shell = Path("/tmp") / f"velora-shell-{os.getpid()}"
    shell.write_text('#!/bin/sh\necho "you are being recorded"; echo noise >&2\nexec /bin/sh "$@"\n')
    shell.chmod(0o755)
    place.stack.callback(shell.unlink)
    shelled(place, name, str(shell))


def shelled(place: Place, name: str, shell: str) -> None:
    server = place.account(name, uid=SOMEBODY, login_shell=shell)
    place.add(name, server)
    for path in (server.home, *server.home.rglob("*")):
        os.chown(path, SOMEBODY, SOMEBODY)


def blanks(place: Place, name: str) -> None:
    place.add(name, place.server(name, home_name="somebody's home"))


SOUND: dict[str, Callable[[Place, str], None]] = {
    "sound": sound,
    "noisy-profile": noisy_profile,
    "printing-shell": printing_shell,
    "blanks": blanks,
    **{
        f"{Path(shell).name}-shell": partial(shelled, shell=shell)
        for shell in map(shutil.which, ("fish", "tcsh", "zsh"))
        if shell
    },
}


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def shown(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Shown]:
    """How a run on each instance ended, all driven by one engine at the same time."""
    if reason := why_not() or accounts.why_not():
        pytest.skip(reason)
    with ExitStack() as stack:
        place = Place(tmp_path_factory.mktemp("instances"), stack)
        for name, fault in FAULTS.items():
            fault.make(place, name)
        for name, make in SOUND.items():
            make(place, name)
        return await run_all(place)


async def run_all(place: Place) -> dict[str, Shown]:
    first = next(iter(place.benches.values())).fleet("resolved", "january")
    env = {"STANDIN_CASE": "resolved", "STANDIN_VERSION": "january"}
    instances = tuple(
        Instance(name=name, harness=f"~/{ROOT}", env=env, **bench.reach) for name, bench in place.benches.items()
    )
    fleet = first.model_copy(update={"instances": instances})
    layout = Layout.under(place.folder / "state", place.folder / "results")
    async with Engine(fleet, layout) as engine:
        with engine.observe() as subscription:
            starts = [engine.start(bench.request(instance=name)) for name, bench in place.benches.items()]
            runs = await asyncio.gather(*starts)
            attempts = await ended(engine, subscription, runs)
        return {
            name: Shown(engine, engine.run(run.run), attempt)
            for name, run, attempt in zip(place.benches, runs, attempts, strict=True)
        }


@pytest.mark.parametrize("name", FAULTS)
async def test_a_fault_is_told_with_its_place_and_the_next_step(shown: dict[str, Shown], name: str) -> None:
    expected, failure = FAULTS[name], shown[name].failure
    told = f"{failure.message} {failure.evidence}"
    print(f"\n{name}: [{failure.signature}] {failure.message} — {failure.remedy}")
    assert shown[name].attempt.state is AttemptState.FAILED
    assert (failure.signature, failure.phase) == (expected.signature, expected.phase), told
    assert expected.words in told
    assert expected.step in failure.remedy
    assert "Traceback" not in told + failure.remedy


@pytest.mark.parametrize("name", SOUND)
async def test_the_others_finish(shown: dict[str, Shown], name: str) -> None:
    attempt = shown[name].attempt
    assert (attempt.state, attempt.outcome) == (AttemptState.FINISHED, Outcome.RESOLVED), attempt.failure
    assert (shown[name].tree / "output.jsonl").exists()
