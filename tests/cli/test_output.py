"""A standard output that is full, closed or no longer read is no bug."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from tests.cli.conftest import LIMIT_SECONDS, Place, command

FULL = Path("/dev/full")


@pytest.mark.skipif(not FULL.exists(), reason="only Linux has a device that is always full")
@pytest.mark.parametrize("arguments", [("export",), ("--help",), ("status", "--json")])
def test_a_full_output_is_one_line(local: Place, arguments: tuple[str, ...]) -> None:
    with FULL.open("w") as full:
        done = subprocess.run(
            command(*arguments),
            cwd=local.folder,
            env=local.environment({}),
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            timeout=LIMIT_SECONDS,
            check=False,
        )

    assert done.returncode == 1
    assert done.stderr == "velora: standard output cannot be written: No space left on device\n"


def test_an_output_that_nobody_reads_is_left_quietly(local: Place) -> None:
    process = local.start("export")
    assert process.stdout
    assert process.stderr
    process.stdout.close()

    with process.stderr as errors:
        assert errors.read() == ""
    assert process.wait(LIMIT_SECONDS) == 1


def test_a_closed_output_is_none(local: Place) -> None:
    done = subprocess.run(
        ["sh", "-c", 'exec "$@" >&-', "sh", *command("export")],
        cwd=local.folder,
        env=local.environment({}),
        stderr=subprocess.PIPE,
        text=True,
        timeout=LIMIT_SECONDS,
        check=False,
    )

    assert (done.returncode, done.stderr) == (0, "")
