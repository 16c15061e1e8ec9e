"""`velora repair` as an operator types it."""

from __future__ import annotations

import os
import pty
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from tests.cli.conftest import Answer
from tests.repairs.conftest import DOCKER_PY, Bench

pytestmark = pytest.mark.sshd

HAND = 'id = "mark"\ncommand = "test -f ~/mark"\nrepair = "echo made >~/mark"\n'


def fleet_file(bench: Bench, names: tuple[str, ...] = ("eval1",)) -> None:
    """Write the fleet file that leads to the bench's instance by each of `names`."""
    target = bench.sshd.target()
    text = f'[fleet]\nstate = "state"\n[defaults]\nrecipe = "harness"\nmax_disk_percent = 100\n[[checks]]\n{HAND}'
    for file in bench.critical_files:
        text += f'[[critical_files]]\npath = "{file.path}"\nmd5 = "{file.md5}"\nsource = "{file.source}"\n'
    for name in names:
        text += (
            f'[[instances]]\nname = "{name}"\nhost = "127.0.0.1"\nport = {bench.sshd.port}\nuser = "{target.user}"\n'
            f'identity_file = "{target.identity_file}"\nssh_config = "{target.ssh_config}"\n'
            f'known_hosts = "{target.known_hosts}"\nharness = "~/harness"\n'
        )
    (bench.folder / "velora.toml").write_text(text)


def surroundings(bench: Bench) -> dict[str, Any]:
    """Return where a command is run, and with which variables."""
    environment = {"PATH": os.environ["PATH"], "HOME": str(bench.folder / "operator-home"), "COLUMNS": "200"}
    return {"cwd": bench.folder, "env": environment}


def velora(bench: Bench, *arguments: str, stdin: Any = subprocess.DEVNULL) -> Answer:
    done = subprocess.run(
        [sys.executable, "-m", "velora_tui", *arguments],
        **surroundings(bench),
        stdin=stdin,
        capture_output=True,
        text=True,
        timeout=60,
    )
    return Answer(done.returncode, done.stdout, done.stderr)


def typing(bench: Bench, typed: str, *arguments: str) -> Answer:
    """Run a command on a terminal at which `typed` is typed."""
    ours, theirs = pty.openpty()
    try:
        os.write(ours, typed.encode())
        return velora(bench, *arguments, stdin=theirs)
    finally:
        os.close(ours)
        os.close(theirs)


def mark(bench: Bench) -> Path:
    return bench.sshd.home / "mark"


def test_yes_shows_does_and_checks(bench: Bench) -> None:
    fleet_file(bench)
    answer = velora(bench, "repair", "eval1", "mark", "--yes")
    assert answer.status == 0, answer
    assert "echo made >~/mark" in answer.out
    assert "✓ eval1" in answer.out
    assert "mark: fail" in answer.out
    assert "→ ok" in answer.out
    assert mark(bench).read_text() == "made\n"


@pytest.mark.parametrize("typed", ["\n", "n\n", "maybe\n"])
def test_without_a_yes_nothing_is_done(bench: Bench, typed: str) -> None:
    fleet_file(bench)
    answer = typing(bench, typed, "repair", "eval1", "mark")
    assert answer.status == 1
    assert "mend mark on eval1? [y/N]" in answer.err
    assert "nothing was done" in answer.err
    assert "echo made >~/mark" in answer.out
    assert not mark(bench).exists()


def test_yes_at_the_terminal_goes_ahead(bench: Bench) -> None:
    fleet_file(bench)
    answer = typing(bench, "y\n", "repair", "eval1", "own:mark")
    assert answer.status == 0, answer
    assert mark(bench).exists()


def test_an_interrupt_at_the_question_ends_it(bench: Bench) -> None:
    fleet_file(bench)
    ours, theirs = pty.openpty()
    said = bench.folder / "said"
    with said.open("wb") as err:
        process = subprocess.Popen(
            [sys.executable, "-m", "velora_tui", "repair", "eval1", "mark"],
            **surroundings(bench),
            stdin=theirs,
            stdout=subprocess.DEVNULL,
            stderr=err,
        )
    try:
        deadline = time.monotonic() + 30
        while b"[y/N]" not in said.read_bytes():
            assert time.monotonic() < deadline
            time.sleep(0.02)
        process.send_signal(signal.SIGINT)
        assert process.wait(timeout=20) == 130
    finally:
        process.kill()
        process.wait()
        os.close(ours)
        os.close(theirs)
    assert not mark(bench).exists()


def test_many_instances_are_to_be_counted(bench: Bench) -> None:
    names = tuple(f"eval{number}" for number in range(1, 7))
    fleet_file(bench, names)
    answer = typing(bench, "y\n", "repair", "--all", "mark")
    assert answer.status == 1
    assert "on 6 instances (eval1, eval2, eval3, eval4, eval5, eval6)? Type 6 to go ahead:" in answer.err
    assert not mark(bench).exists()
    assert typing(bench, "6\n", "repair", ",".join(names), "mark").out.count("eval") >= 6
    assert mark(bench).exists()


def test_without_a_terminal_yes_is_needed(bench: Bench) -> None:
    fleet_file(bench)
    answer = velora(bench, "repair", "eval1", "mark")
    assert answer.status == 2
    assert "echo made >~/mark" in answer.out, "what would be done is shown first"
    assert "add --yes" in answer.complaint
    assert not mark(bench).exists()


def test_without_a_terminal_wrong_names_are_told_first(bench: Bench) -> None:
    fleet_file(bench)
    for words, near in ((("evil1", "mark"), "did you mean eval1"), (("eval1", "makr"), "did you mean mark")):
        answer = velora(bench, "repair", *words)
        assert (answer.status, near in answer.complaint) == (2, True)


def test_a_dry_run_of_what_is_not_possible_is_1(bench: Bench) -> None:
    bench.good_copy(DOCKER_PY, "good\n").unlink()
    fleet_file(bench)
    answer = velora(bench, "repair", "eval1", "files", "--dry-run")
    assert answer.status == 1
    assert "not possible: the good copy" in answer.out
    assert "No such file or directory" in answer.out
    assert "Errno" not in answer.out


def test_a_dry_run_only_shows(bench: Bench) -> None:
    bench.good_copy(DOCKER_PY, "good\n")
    bench.put(DOCKER_PY, "old\n")
    fleet_file(bench)
    answer = velora(bench, "repair", "eval1", "files", "--dry-run")
    assert answer.status == 0
    assert DOCKER_PY in answer.out
    assert "differs" in answer.out
    assert (bench.root / DOCKER_PY).read_text() == "old\n"


def test_long_commands_are_shown_where_they_are_asked_for(bench: Bench) -> None:
    bench.good_copy(DOCKER_PY, "good\n")
    bench.put(DOCKER_PY, "old\n")
    fleet_file(bench)
    assert "mv -fT" not in velora(bench, "repair", "eval1", "files", "--dry-run").out
    assert "mv -fT" in velora(bench, "repair", "eval1", "files", "--dry-run", "--commands").out


def test_json_is_one_document(bench: Bench) -> None:
    fleet_file(bench)
    answer = velora(bench, "repair", "eval1", "mark", "--yes", "--json")
    assert answer.status == 0
    (record,) = answer.json["repairs"]
    assert record["mended"] is True
    assert record["repair"] == "own:mark"
    assert record["before"]["status"] == "fail"
    assert record["after"]["status"] == "ok"
    assert record["steps"][0]["command"] == "echo made >~/mark"


def test_not_mended_is_1(bench: Bench) -> None:
    fleet_file(bench)
    answer = velora(bench, "repair", "eval1", "git", "--yes")
    assert answer.status == 0, answer
    bench.root.rename(bench.sshd.home / "elsewhere")
    answer = velora(bench, "repair", "eval1", "git", "--yes")
    assert answer.status == 1
    assert "not possible: there is no harness at ~/harness" in answer.out


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (("eval1",), "instances and a check are needed"),
        (("--all", "eval1", "mark"), "instances and a check are needed"),
        (("eval1", "makr"), "did you mean mark"),
        (("evil1", "mark"), "did you mean eval1"),
        (("eval1", "load"), "nothing of Velora's mends 'load'"),
    ],
)
def test_wrong_requests_are_2(bench: Bench, arguments: tuple[str, ...], complaint: str) -> None:
    fleet_file(bench)
    answer = velora(bench, "repair", *arguments, "--yes")
    assert answer.status == 2
    assert complaint in answer.complaint


def test_readonly_refuses(bench: Bench) -> None:
    fleet_file(bench)
    answer = velora(bench, "--readonly", "repair", "eval1", "mark", "--yes")
    assert answer.status == 2
    assert "read-only" in answer.complaint
    assert not mark(bench).exists()
    assert velora(bench, "--readonly", "repair", "eval1", "mark", "--dry-run").status == 0


def test_the_help_has_an_example(bench: Bench) -> None:
    answer = velora(bench, "repair", "--help")
    assert answer.status == 0
    assert "Example: velora repair eval1,eval2 disk" in answer.out
