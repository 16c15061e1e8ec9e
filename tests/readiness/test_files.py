"""Critical files across the fleet: odd ones out, with and without good copies, and the difference from one."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.readiness.conftest import FILES, Machine
from velora_tui.domain.fleet import HARNESS, CriticalFile, Fleet, Instance
from velora_tui.domain.readiness import CheckResult, FileReport
from velora_tui.engine.critical_files import watched
from velora_tui.engine.engine import Engine
from velora_tui.errors import CommandFailed, Refused, UnknownName
from velora_tui.readiness.checks.check import Answer, Subject
from velora_tui.readiness.checks.files import CHECKS
from velora_tui.readiness.files import Sums, compared, copies_of, good_sums
from velora_tui.store.layout import Layout

GOOD, OLD, BAD = (Sums(letter * 32, letter * 64) for letter in "abc")


def line(sums: Sums | None) -> str:
    return f"0 {sums.md5} {sums.sha256} x" if sums else "0 missing"


def report_of(file: CriticalFile, good: dict[str, Sums], *contents: Sums | str | None) -> FileReport:
    """Compare one file on as many instances as there are contents; text is what the probe printed."""
    copies = {
        f"eval{number}": copies_of(f"eval{number}", (file,), good, one if isinstance(one, str) else line(one))
        for number, one in enumerate(contents)
    }
    return compared((file,), copies, good)


def odd(report: FileReport) -> list[str]:
    return [copy.instance for copy in report.rows[0].copies if copy.odd]


@pytest.mark.parametrize(
    ("contents", "expected"),
    [
        ((GOOD, GOOD, GOOD), []),
        ((GOOD, OLD, GOOD), ["eval1"]),
        ((GOOD, None, GOOD), ["eval1"]),
        ((None, None, GOOD), ["eval2"]),
        ((GOOD, OLD), ["eval0", "eval1"]),
        ((GOOD, GOOD, OLD, OLD, BAD), ["eval0", "eval1", "eval2", "eval3", "eval4"]),
        ((GOOD, "", GOOD), []),
        (("", ""), []),
        ((OLD,), []),
    ],
)
def test_the_minority_is_odd_where_nothing_is_expected(contents: tuple[Sums | str | None], expected: list[str]) -> None:
    report = report_of(CriticalFile(path="x"), {}, *contents)
    assert odd(report) == expected
    assert (report.rows[0].expected, report.rows[0].good_copy) == (None, None)
    assert report.rows[0].is_consistent == (not expected)


@pytest.mark.parametrize("file", [CriticalFile(path="x", md5=GOOD.md5), CriticalFile(path="x", source=Path("good"))])
def test_what_is_expected_counts_more_than_the_majority(file: CriticalFile) -> None:
    report = report_of(file, {"x": GOOD} if file.source else {}, OLD, OLD, GOOD, None, "")
    assert odd(report) == ["eval0", "eval1", "eval3"]
    assert [copy.state for copy in report.rows[0].copies] == ["differs", "differs", "good", "missing", "unknown"]


@pytest.mark.parametrize(
    ("file", "good", "state"),
    [
        (CriticalFile(path="x", source=Path("good")), {"x": GOOD}, "good"),
        (CriticalFile(path="x", source=Path("good"), md5=GOOD.md5), {"x": GOOD}, "good"),
        (CriticalFile(path="x", source=Path("good"), md5=OLD.md5), {"x": GOOD}, "differs"),
        (CriticalFile(path="x", source=Path("good"), sha256=OLD.sha256), {"x": GOOD}, "differs"),
        (CriticalFile(path="x", source=Path("good")), {}, "missing"),
    ],
)
def test_a_good_copy_that_is_not_good_is_told(file: CriticalFile, good: dict[str, Sums], state: str) -> None:
    assert report_of(file, good, GOOD).rows[0].good_copy == state


SHELF = Path("/mnt/good/docker.py")


def judged(file: CriticalFile, good: dict[str, Sums], content: Sums) -> CheckResult:
    """Return what the check of the files says of an instance with one file, and whether that blocks."""
    fleet = Fleet(critical_files=(file,), instances=(Instance(name="eval1", host="h"),))
    (check,) = CHECKS
    verdict = check.judge(Subject(fleet.instances[0], fleet, HARNESS, good=good), Answer(0, line(content)))
    repair = check.repair if verdict.mends else None
    return CheckResult(
        id=check.id, status=verdict.status, blocking=check.blocking, detail=verdict.detail, repair=repair
    )


def test_a_good_copy_that_cannot_be_read_never_opens_the_gate() -> None:
    result = judged(CriticalFile(path="docker.py", source=SHELF), {}, OLD)
    assert (result.status, result.blocks, result.repair) == ("unknown", True, None)
    assert result.detail.startswith(f"the good copy of docker.py can't be read here ({SHELF}): mend `source` under")
    report = report_of(CriticalFile(path="docker.py", source=SHELF), {}, OLD, OLD, GOOD, None)
    assert [copy.state for copy in report.rows[0].copies] == ["unknown", "unknown", "unknown", "missing"]


def test_a_checksum_stands_in_for_a_good_copy_that_cannot_be_read() -> None:
    file = CriticalFile(path="docker.py", source=SHELF, sha256=GOOD.sha256)
    result = judged(file, {}, GOOD)
    assert (result.status, result.blocks) == ("warn", False)
    assert str(SHELF) in result.detail
    assert judged(file, {}, OLD).status == "fail"
    assert report_of(file, {}, GOOD).rows[0].copies[0].state == "good"


def test_what_differs_is_told_by_what_it_is_compared_with() -> None:
    by_sum = judged(CriticalFile(path="a/docker.py", sha256=GOOD.sha256), {}, OLD)
    assert (by_sum.detail, by_sum.repair) == ("0/1: docker.py differs from the checksum in the fleet file", None)
    by_copy = judged(CriticalFile(path="a/docker.py", source=SHELF), {"a/docker.py": GOOD}, OLD)
    assert (by_copy.detail, by_copy.repair) == ("0/1: docker.py differs from the good copy", "push-files")


def test_the_end_of_a_path_names_a_critical_file_where_it_is_the_only_one() -> None:
    fleet = Fleet(critical_files=tuple(CriticalFile(path=path) for path in ("a/docker.py", "b/docker.py", "b/x.j2")))
    assert watched(fleet, "x.j2").path == watched(fleet, "b/x.j2").path == "b/x.j2"
    with pytest.raises(UnknownName) as several:
        watched(fleet, "docker.py")
    assert several.value.explain() == "'docker.py' could be several critical files — name one: a/docker.py, b/docker.py"
    for name in ("ocker.py", "", "/x.j2"):
        with pytest.raises(UnknownName, match="unknown critical file"):
            watched(fleet, name)


def test_what_a_probe_prints_beside_its_lines_is_no_checksum() -> None:
    hostile = f"0 {GOOD.md5} {GOOD.sha256} x; rm\n99999 missing\n1 missing\n-1 missing\n0  missing"
    (copy,) = copies_of("eval1", (CriticalFile(path="x"),), {}, hostile)
    assert (copy.state, copy.sha256) == ("unknown", None)


def test_good_copies_are_read_where_they_are_there(tmp_path: Path) -> None:
    (tmp_path / "one").write_bytes(b"one\n")
    files = [CriticalFile(path=name, source=tmp_path / name) for name in ("one", "two")]
    assert good_sums([*files, CriticalFile(path="three")]) == {
        "one": Sums(
            "5bbf5a52328e7439ae6e719dfe712200", "2c8b08da5ce60398e1f19af0e5dccc744df274b826abe585eaba68c525434806"
        )
    }


@pytest.mark.sshd
class TestOnAnInstance:
    """Reports and differences of a real instance."""

    def engine(self, machine: Machine, tmp_path: Path) -> Engine:
        fleet = machine.fleet()
        gone = fleet.instances[0].model_copy(update={"name": "gone", "port": 1})
        return Engine(
            fleet.model_copy(update={"instances": (*fleet.instances, gone)}), Layout.under(tmp_path / "state")
        )

    async def test_the_files_side_by_side(self, machine: Machine, tmp_path: Path) -> None:
        machine.put(FILES[1], "another\n")
        async with self.engine(machine, tmp_path) as engine:
            script, builder = (await engine.file_report()).rows
            assert [(copy.instance, copy.state, copy.odd) for copy in builder.copies] == [
                ("eval1", "differs", True),
                ("gone", "unknown", False),
            ]
            assert [(copy.state, copy.executable) for copy in script.copies] == [("good", True), ("unknown", None)]
            assert "Connection refused" in script.copies[1].detail
            assert (script.good_copy, script.path) == ("good", FILES[0])
            with pytest.raises(UnknownName):
                await engine.file_report(["eval9"])

    async def test_the_difference_shows_what_a_push_would_change(self, machine: Machine, tmp_path: Path) -> None:
        machine.put(FILES[1], "kept\n\x1b]0;owned\x07\x1b[2Jtheirs\n")
        (machine.good / "docker.py").write_text("kept\nours\n")
        async with self.engine(machine, tmp_path) as engine:
            text = await engine.file_diff("eval1", FILES[1])
            assert text.splitlines()[-3:] == [" kept", "-theirs", "+ours"]
            assert text.startswith("--- eval1:")
            assert await engine.file_diff("eval1", FILES[0]) == ""
            assert await engine.file_diff("eval1", "docker.py") == await engine.file_diff("eval1", "builder/docker.py")
            assert await engine.file_diff("eval1", "docker.py") == text

    async def test_what_cannot_be_compared_says_why(self, machine: Machine, tmp_path: Path) -> None:
        async with self.engine(machine, tmp_path) as engine:
            with pytest.raises(UnknownName, match=r"unknown critical file '\.\./x'"):
                await engine.file_diff("eval1", "../x")
            (machine.root / FILES[1]).unlink()
            with pytest.raises(CommandFailed, match="there is no file"):
                await engine.file_diff("eval1", FILES[1])
            with (machine.root / FILES[1]).open("wb") as file:
                file.truncate(10**9)
            with pytest.raises(CommandFailed, match="is larger than"):
                await engine.file_diff("eval1", FILES[1])
            (machine.good / "docker.py").unlink()
            with pytest.raises(Refused, match="can't be read"):
                await engine.file_diff("eval1", FILES[1])
