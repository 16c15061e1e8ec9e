"""`velora check` and `velora status` on terminals: answers as they come, and lines that fit."""

from __future__ import annotations

import fcntl
import os
import pty
import re
import struct
import subprocess
import termios
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.cli.conftest import LOCAL_FLEET, NOT_READY, UNREACHABLE, Place, command
from velora_tui.domain.readiness import FileCopy, FileReport, FileRow, FileState
from velora_tui.view.cells import Span, plain
from velora_tui.view.cli_checks import file_lines
from velora_tui.view.cli_text import cut_line, fitting

LIMIT_SECONDS = 60.0
WAITS = """
[[checks]]
id = "gate"
command = "until [ -e ~/open ]; do sleep 0.05; done"
slow = true
"""


@pytest.fixture
def place(tmp_path: Path) -> Place:
    """A fleet of one instance that is ready, one that is not, and one that does not answer."""
    for home in ("home", "full"):
        (tmp_path / home).mkdir()
    (tmp_path / "home/open").touch()
    (tmp_path / "velora.toml").write_text(LOCAL_FLEET + NOT_READY + UNREACHABLE + WAITS)
    return Place(tmp_path)


def on_terminal(
    place: Place, columns: int, *arguments: object, seen: Callable[[str], None] = lambda text: None
) -> tuple[int, str]:
    """Run a command on a terminal of so many columns; return its status and all that it wrote, `seen` as it comes."""
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 40, columns, 0, 0))
    environment = {key: value for key, value in place.environment({}).items() if key != "COLUMNS"}
    process = subprocess.Popen(
        command(*arguments),
        cwd=place.folder,
        env={**environment, "TERM": "dumb"},
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        start_new_session=True,
    )
    os.close(theirs)
    data, deadline = b"", time.monotonic() + LIMIT_SECONDS
    try:
        while time.monotonic() < deadline:
            try:
                data += os.read(ours, 65536)
            except OSError:  # the other end is closed
                break
            seen(data.decode(errors="replace"))
        return process.wait(timeout=10), data.decode()
    finally:
        process.kill()
        process.wait()
        os.close(ours)


def lines_of(written: str) -> list[str]:
    """Return the lines that stay on the screen."""
    return [re.sub(r".*\x1b\[2K", "", line) for line in written.replace("\r\n", "\n").split("\n")]


def test_answers_do_not_wait_for_the_slowest(place: Place) -> None:
    def open_the_gate(text: str) -> None:
        if "here  ✓ ready" in text and "checking 2/3 … full" in text:
            (place.folder / "full/open").touch()

    status, written = on_terminal(place, 100, "check", "here", "full", "gone", "here", seen=open_the_gate)
    assert status == 1
    assert "checking 0/3 … here, full, gone" in written, "an instance that is named twice is asked once"
    lines = lines_of(written)
    assert lines.index("here  ✓ ready") < lines.index("full  ✗ not ready")
    assert lines[-2:] == ["1/3 ready", ""]


@pytest.mark.parametrize("columns", [60, 40])
def test_what_is_told_fits_the_terminal(place: Place, columns: int) -> None:
    (place.folder / "full/open").touch()
    _, checked = on_terminal(place, columns, "check")
    assert max(map(len, lines_of(checked))) <= columns, checked
    assert "→ velora repair full disk" in checked
    assert "Connection" in checked
    assert "refused" in checked
    _, told = on_terminal(place, columns, "status")
    table = [line for line in lines_of(told) if line.startswith(("INSTANCE", "here", "full", "gone"))]
    assert len(table) == 4
    assert max(map(len, table)) <= columns, told


def test_json_and_pipes_get_one_answer_whole(place: Place) -> None:
    (place.folder / "full/open").touch()
    answer = place("check", "here", "here", "--json")
    assert [instance["name"] for instance in answer.json["instances"]] == ["here"]
    assert answer.err == ""


def test_a_table_goes_without_spare_columns_first() -> None:
    rows = [("a" * 10, "b" * 10, "c" * 10)]

    def shown(width: int) -> list[str]:
        lines = fitting(("A", "B", "C"), rows, width=width, spare=("B", "C"))
        return ["".join(span.text for span in line) for line in lines]

    assert shown(34)[0] == "A           B           C"
    assert shown(33)[0] == "A           C"
    assert shown(10) == ["A", "a" * 10]
    assert shown(5) == ["A", "aaaa…"]
    assert cut_line((Span("ab", "good"), Span("cd")), 3) == (Span("ab", "good"), Span("…"))


def test_files_are_shown_by_the_checksum_that_is_expected() -> None:
    def copy(name: str, state: FileState, letter: str, runs: bool) -> FileCopy:
        return FileCopy(instance=name, state=state, md5=letter * 32, sha256="f" * 64, executable=runs)

    def shown(*copies: FileCopy, expected: str | None, width: int | None = None) -> list[str]:
        row = FileRow(path="docker.py", expected=expected, good_copy=None, copies=copies)
        return [plain(line).rstrip() for line in file_lines(FileReport(rows=(row,)), width)]

    good, bad = copy("eval1", "good", "a", runs=False), copy("eval2", "differs", "b", runs=False)
    md5 = shown(good, bad, expected=f"md5:{'a' * 32}")
    assert md5[:2] == ["docker.py  expected md5 aaaaaaaaaa…", "INSTANCE  FILE       MD5"]
    assert md5[2:4] == ["eval1     ✓ good     aaaaaaaaaa…", "eval2     ✗ differs  bbbbbbbbbb…"]
    sha256 = shown(good, bad, copy("eval3", "good", "a", runs=True), expected=f"sha256:{'a' * 64}")
    assert sha256[1].split() == ["INSTANCE", "FILE", "SHA256", "EXECUTABLE"]
    assert [line.split()[-1] for line in sha256[2:5]] == ["no", "no", "yes"]
    assert shown(good, expected=None)[0] == "docker.py  nothing to compare with"
    assert max(map(len, shown(good, bad, expected=f"md5:{'a' * 32}", width=24))) <= 24
