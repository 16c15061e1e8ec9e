"""What the rows of readiness, files, causes and audit say, without a screen."""

from __future__ import annotations

from dataclasses import replace

from tests.ui.dashboard.build import NOW, ago, attempt, failure, instance, readiness, refused, run, snapshot
from velora_tui.domain.events import AttemptState, CommandRan, InstanceChecked, RepairEnded
from velora_tui.domain.failure import FailedAttempt
from velora_tui.domain.readiness import CheckResult, CheckStatus, FileCopy, FileReport, FileRow, Readiness
from velora_tui.domain.repair import RepairPlan, RepairResult, RepairStep
from velora_tui.grading.clusters import cluster
from velora_tui.view.audit_rows import audit_entries, deed_lines
from velora_tui.view.causes import strip_lines
from velora_tui.view.cells import plain
from velora_tui.view.columns import fit
from velora_tui.view.files_rows import GOOD_COPY, file_columns, file_entries, names_of, tally
from velora_tui.view.readiness_table import ReadinessTable
from velora_tui.view.remedies import mending_check, remedies
from velora_tui.view.repair_progress import Doing, end_words, gain, planned_lines, working_lines


def check(name: str, status: CheckStatus, *, blocking: bool = True, repair: str | None = None, detail: str = "x"):
    return CheckResult(id=name, status=status, blocking=blocking, repair=repair, detail=detail, at=ago(9))


def checked(name: str, *checks: CheckResult, asking: frozenset[str] = frozenset()):
    return instance(name, ready=Readiness(instance=name, checks=checks, at=ago(9), asking=asking))


def ready_cell(row) -> str:
    return plain(ReadinessTable().entries(snapshot(row), 160)[0].row.cells["ready"])


def test_what_blocks_is_mended_first_and_unasked_checks_never():
    advisory = check("git", CheckStatus.FAIL, blocking=False, repair="git-init")
    blocking = check("docker", CheckStatus.FAIL, repair="start-docker")
    unreachable = check("files", CheckStatus.UNKNOWN, repair="push-files", detail="")
    row = checked("eval1", advisory, blocking, unreachable)
    assert mending_check(row) == blocking
    assert [remedy.repair for remedy in remedies([row])] == ["start-docker", "git-init"]
    assert remedies([instance("gone", ready=refused("gone", "no route"))]) == ()


def test_a_remedy_names_each_instance_once_and_failed_runs_count_too():
    broken = checked("eval1", check("files", CheckStatus.FAIL, repair="push-files"))
    why = failure("docker-buildx", "image").model_copy(update={"repair": "push-files"})
    runs = [
        run("01A", "a/b", "1", "llm.gpt", attempt(name, "image", AttemptState.FAILED, failure=why))
        for name in ("eval1", "eval2")
    ]
    assert remedies([broken], runs)[0].instances == ("eval1", "eval2")


def test_a_check_that_is_being_asked_is_no_answer_yet():
    row = checked("eval1", check("disk", CheckStatus.FAIL), asking=frozenset({"disk"}))
    cells = ReadinessTable().entries(snapshot(row), 160)[0].row.cells
    assert plain(cells["check:disk"]) == "…"
    assert "disk" not in plain(cells["ready"])
    busy = replace(row, checking=True)
    assert ready_cell(busy).startswith("… checking 0/1")


def test_the_reason_names_the_worst_and_then_the_others():
    row = checked(
        "eval1", check("git", CheckStatus.FAIL, blocking=False), check("disk", CheckStatus.FAIL, detail="91 % used")
    )
    assert "✗ not ready  disk: 91 % used; also git" in ready_cell(row)


def test_columns_come_in_the_order_of_the_checks_whatever_answers_first():
    row = checked("eval1", check("zz", CheckStatus.OK), check("disk", CheckStatus.OK), check("ssh", CheckStatus.OK))
    names = [column.id for column in ReadinessTable().columns(snapshot(row))]
    assert names == ["instance", "check:ssh", "check:disk", "check:zz", "age", "ready"]
    assert ReadinessTable().columns(snapshot(instance("e"))) != ()


def test_an_instance_that_differs_from_all_others_comes_first():
    def copy(name: str, sha256: str | None, *, odd: bool = False, state: str = "there") -> FileCopy:
        return FileCopy(instance=name, state=state, sha256=sha256, odd=odd)

    copies = (copy("a", "11" * 32), copy("b", "22" * 32, odd=True), copy("c", None, state="unknown"))
    report = FileReport(rows=(FileRow(path="x/docker.py", expected=None, good_copy=None, copies=copies),))
    entries = file_entries(report)
    assert [entry.row.key for entry in entries] == [GOOD_COPY, "b", "c", "a"]
    assert plain(entries[1].row.cells["file:x/docker.py"]) == "✗ 22222222"
    assert tally(report) == (1, 1, 1)
    assert names_of(["a/x.py", "b/x.py", "y.py"]) == ["a/x.py", "b/x.py", "y.py"]


def test_four_files_have_a_column_each_in_a_small_window():
    paths = ("run_full_eval_with_s3.sh", "eval_pilot2_standardized.py", "docker.py", "Dockerfile.j2", "a.py", "b.py")

    def shown(number: int) -> int:
        rows = tuple(FileRow(path=path, expected=None, good_copy=None, copies=()) for path in paths[:number])
        return len(fit(file_columns(FileReport(rows=rows), 76), 76, {})) - 2

    assert shown(4) == 4
    assert shown(6) < 6, "the line below says how many more"


def test_single_failures_are_left_to_the_table():
    def member(name: str, signature: str, repair: str | None) -> FailedAttempt:
        why = failure(signature, "image").model_copy(update={"repair": repair})
        return FailedAttempt(run=name, attempt=1, instance=name, task="t", model="m", failure=why)

    groups = cluster(
        [
            member("a", "docker-daemon-down", "start-docker"),
            member("b", "docker-daemon-down", "start-docker"),
            member("c", "no-space", "free-disk"),
            member("e", "llm-key-rejected", None),
            member("f", "llm-key-rejected", None),
            member("d", "agent-error", None),
        ]
    )
    lines = [line.text for line in strip_lines(groups, 1)]
    assert lines == [" 2 × docker-daemon-down: start Docker and retry   a, b    [R] [r] and 1 more [W] "]
    assert len(strip_lines(groups, 3)) == 2


def test_the_audit_tells_deeds_and_no_checks():
    events = [
        InstanceChecked(seq=1, instance="a", checks=()),
        CommandRan(seq=2, at=ago(60), instance="a", purpose="push-files: put", command="\nset -eu\ncat\n", by="me"),
        RepairEnded(seq=3, at=ago(50), instance="a", repair="push-files", error="lost\x1b[2J", by="me"),
    ]
    entries = audit_entries(events, {}, NOW)
    assert [entry.row.key for entry in entries] == ["3", "2"]
    assert plain(entries[0].row.cells["what"]) == "✗ push-files failed: lost"
    assert plain(entries[1].row.cells["command"]) == "set -eu"
    assert [line.text for line in deed_lines(events[1], {})][-2:] == ["   │ set -eu", "   │ cat"]


PLAN = RepairPlan(
    instance="eval1", repair="free-disk", title="free disk space", frees=True,
    steps=(RepairStep(what="remove it " * 20, command="rm x"),),
)  # fmt: skip


def test_a_long_step_is_broken_and_never_cut():
    lines = planned_lines([PLAN], 60)
    assert all(len(line.text) <= 61 for line in lines)
    assert " ".join(line.text for line in lines).split().count("remove") == 20


def test_progress_and_end_are_told_by_instance():
    other = PLAN.model_copy(update={"instance": "eval2"})
    done = {"eval1": RepairResult(instance="eval1", repair="free-disk", done=("x",), error="the bus is off")}
    lines = [line.text for line in working_lines([PLAN, other], {"eval2": Doing(1, "remove")}, done, 65)]
    assert lines[0] == " ✗ eval1  the bus is off (1 of 1 steps done)"
    assert lines[-1] == " … eval2  step 1 of 1  remove  1:05"
    assert end_words([PLAN, other], done, "free disk space") == "free disk space: mended on 0 of 2 instances"
    assert gain([PLAN]) == ""


def test_what_came_of_a_repair_stands_before_what_was_wrong():
    long = f"a run started by hand: process 5 of root: python3 run_infer.py {'--llm-config x ' * 9}"
    before = check("busy", CheckStatus.FAIL, detail=long)
    after = check("busy", CheckStatus.OK, detail="no run started by hand")
    done = {"eval1": RepairResult(instance="eval1", repair="x", check="busy", before=before, after=after, done=("x",))}
    lines = [line.text for line in working_lines([PLAN], {}, done, 65)]
    assert lines[1:] == ["     busy: fail → ok (no run started by hand)", f"       it was: {long}"]
    still = {"eval1": done["eval1"].model_copy(update={"after": before})}
    assert [line.text for line in working_lines([PLAN], {}, still, 65)][1:] == [f"     busy: fail → fail ({long})"]


def test_where_nothing_is_wrong_no_reason_is_given():
    assert ready_cell(instance("eval1", ready=readiness("eval1"))) == "● ready"


def test_rows_in_which_nothing_changed_are_the_same_objects_and_the_others_say_the_new():
    table = ReadinessTable()
    fleet = snapshot(*(checked(f"eval{number}", check("disk", CheckStatus.OK)) for number in range(3)))
    before = table.entries(fleet)
    broken = checked("eval1", check("disk", CheckStatus.FAIL, detail="91 % used"))
    changed = replace(fleet, instances=(fleet.instances[0], broken, fleet.instances[2]))
    after = {entry.row.key: entry for entry in table.entries(changed)}
    assert all(after[entry.row.key] is entry for entry in before if entry.row.key != "eval1")
    assert plain(after["eval1"].row.cells["check:disk"]) == "✗ 91 %"
    (disk,) = (column for column in table.columns(changed) if column.id == "check:disk")
    assert disk.width == len("✗ 91 %")
