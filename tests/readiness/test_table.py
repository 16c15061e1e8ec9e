"""The table of checks as a whole, and judges on answers that no stand-in gives."""

from __future__ import annotations

from pathlib import Path

import pytest

from velora_tui.domain.fleet import CriticalFile, Defaults, Fleet, Instance, Model, OwnCheck
from velora_tui.domain.readiness import BUILT_IN_CHECKS
from velora_tui.domain.task import Task
from velora_tui.readiness.checks import CHECKS, Answer, Subject, checks_for, title_of
from velora_tui.readiness.repairs import REPAIRS

BLOCKING = {"ssh", "script", "poetry", "docker", "disk", "busy", "files"}
REPAIR_OF = {
    "script": "push-files",
    "docker": "start-docker",
    "disk": "free-disk",
    "busy": "kill-stray",
    "files": "push-files",
    "git": "git-init",
    "datasets": "install-datasets",
    "env": "unset-variable",
    "docker-disk": "drop-runtime-images",
}
SLOW = {"poetry", "datasets", "llm-key", "credentials", "image", "docker-disk"}
NATIVE = ["ssh", "disk", "busy", "load", "memory", "clock"]
A, B = "a" * 32, "b" * 64


def subject_of(
    *own: OwnCheck, recipe: str = "harness", env: dict[str, str] | None = None, **changes: object
) -> Subject:
    instance = Instance(name="eval1", host="h", env=env or {})
    fleet = Fleet(
        defaults=Defaults(recipe=recipe), models={"llm.gpt": Model()}, checks=own, instances=(instance,), **changes
    )
    filled = fleet.instance("eval1")
    assert filled is not None
    return Subject(filled, fleet, recipe)


def test_the_ids_their_order_and_their_repairs_are_a_contract() -> None:
    assert tuple(check.id for check in CHECKS) == BUILT_IN_CHECKS
    assert {check.id for check in CHECKS if check.blocking} == BLOCKING
    assert {check.id for check in CHECKS if check.slow} == SLOW
    assert {check.id: check.repair for check in CHECKS if check.repair} == REPAIR_OF
    assert {repair.id for repair in REPAIRS} >= set(REPAIR_OF.values())


def test_only_what_applies_is_listed() -> None:
    assert [check.id for check in checks_for(subject_of(recipe="native"))] == NATIVE
    without_task = [check.id for check in checks_for(subject_of(OwnCheck(id="mine", command="x", name="My own")))]
    assert without_task == [*(name for name in BUILT_IN_CHECKS if name not in {"image", "cached"}), "mine"]
    assert title_of(subject_of(OwnCheck(id="mine", command="x", name="My own")).fleet, "mine") == "My own"


SUMS = f"0 {A} {B} x\n"


@pytest.mark.parametrize(
    ("check", "answer", "status", "says"),
    [
        ("disk", Answer(0, "/dev/root 10 8 2 79% /"), "ok", "79 % used"),
        ("disk", Answer(0, "/dev/root 10 8 2 80% /"), "fail", "80 % used, limit 80 %"),
        ("disk", Answer(0, "/dev/root 10 8 2 - /"), "unknown", "df can't be read"),
        ("disk", Answer(1, "/dev/root 10 8 2 79% /"), "unknown", "df can't be read"),
        ("disk", Answer(0, ""), "unknown", "it says nothing"),
        ("load", Answer(0, "3.90 3.1 2.0 2/99 123 2"), "ok", "load 3.9 on 2 cores"),
        ("load", Answer(0, "4.10 3.1 2.0 2/99 123 2"), "warn", "load 4.1 on 2 cores"),
        ("load", Answer(0, "4.10 3.1 2.0 2/99 123 0"), "unknown", ""),
        ("memory", Answer(0, "MemTotal: 16000000 kB\nMemAvailable: 8000000 kB"), "ok", "8.2 GB of 16 GB available"),
        ("memory", Answer(0, "MemTotal: 16000000 kB\nMemAvailable: 3000000 kB"), "warn", "only 3.1 GB"),
        ("memory", Answer(0, "MemTotal: 16000000 kB"), "unknown", ""),
        ("clock", Answer(0, "1001.5", sent=1000, received=1003), "ok", "within 1.5 s of ours"),
        ("clock", Answer(0, "1007.9", sent=1000, received=1003), "ok", "within 4.9 s"),
        ("clock", Answer(0, "1020.0", sent=1000, received=1003), "warn", "17 s ahead of ours"),
        ("clock", Answer(0, "900.25", sent=1000, received=1003), "warn", "100 s behind ours"),
        ("clock", Answer(0, "today", sent=1000, received=1003), "unknown", ""),
        ("busy", Answer(0, ""), "ok", "no run"),
        ("busy", Answer(0, "1 of a: x\n2 of b: y"), "fail", "a run started by hand: process 1 of a: x, and 1 more"),
        ("busy", Answer(2, "1 of a: x"), "unknown", ""),
        ("script", Answer(2, ""), "unknown", ""),
        ("poetry", Answer(127, "sh: poetry: not found"), "fail", "poetry is not there"),
        ("poetry", Answer(1, "Traceback…\nImportError: libGL.so.1"), "fail", "ImportError: libGL.so.1"),
        ("poetry", Answer(1, "Killed"), "unknown", "Killed"),
        ("docker", Answer(0, ""), "ok", "answers, without a version"),
        ("docker", Answer(0, "what?"), "unknown", ""),
        ("docker", Answer(0, "24.0.7"), "ok", "24.0.7"),
        ("docker", Answer(127, "docker: not found"), "fail", "docker is not installed"),
        ("git", Answer(128, "fatal: detected dubious ownership in repository"), "unknown", "dubious ownership"),
        ("git", Answer(0, "a" * 40), "ok", "at aaaaaaaaaa"),
        ("git", Answer(0, "warning: something\n"), "unknown", ""),
        ("config", Answer(0, "[ 'llm.gpt' ] # x\n[core]"), "ok", "1/1 models"),
        ("config", Answer(0, "[llm.gpt2]"), "fail", "0/1: no section [llm.gpt]"),
        ("aws", Answer(0, "/usr/bin/aws"), "ok", "/usr/bin/aws"),
        ("aws", Answer(127, ""), "fail", "the AWS CLI is not there"),
        ("credentials", Answer(254, "An error occurred (NoSuchBucket) when"), "fail", "does not exist"),
        ("llm-key", Answer(0, "a warning\nkey llm.a 200\nkey llm.b 200"), "ok", "2/2 keys are taken"),
        ("llm-key", Answer(0, "key llm.a 200\nkey llm.b 401"), "fail", "the key of llm.b is refused (status 401)"),
        ("llm-key", Answer(0, "key llm.a no-key"), "warn", "llm.a has no api_key"),
        ("llm-key", Answer(0, "key llm.a ConnectionRefusedError"), "unknown", "ConnectionRefusedError"),
        ("llm-key", Answer(0, "key llm.a 404"), "unknown", "404"),
        ("llm-key", Answer(0, ""), "unknown", "no key"),
        ("llm-key", Answer(1, "ModuleNotFoundError: No module named 'tomllib'"), "unknown", "tomllib"),
        ("docker-disk", Answer(0, "Images\t1GB\t0B"), "ok", "1.0 GB in all, 0 B of it unused"),
        ("docker-disk", Answer(0, "Images\tmuch\t0B"), "unknown", ""),
        ("env", Answer(0, "environment: EVAL_SKIP_MAXIMUM_RETRIES_EXCEEDED=true"), "warn", "in environment"),
        ("env", Answer(0, "./.env:RUNTIME_CONTAINER_IMAGE="), "ok", "no variable"),
        ("files", Answer(0, "4 missing"), "unknown", "4/4 can't be read"),
        ("files", Answer(66, ""), "fail", "there is no harness"),
        ("files", Answer(0, "".join(f"{number} {A} {B} -\n" for number in range(4))), "warn", "4/4 there, 4 with no"),
    ],
)
def test_an_answer_is_judged(check: str, answer: Answer, status: str, says: str) -> None:
    verdict = next(entry for entry in CHECKS if entry.id == check).judge(subject_of(), answer)
    assert verdict.status == status, verdict
    assert says in verdict.detail


@pytest.mark.parametrize(
    ("file", "status", "says"),
    [
        (CriticalFile(path="x", md5=A), "ok", "1/1 as expected"),
        (CriticalFile(path="x", sha256=B), "ok", "1/1 as expected"),
        (CriticalFile(path="x", md5="c" * 32), "fail", "0/1: x differs"),
        (CriticalFile(path="x", sha256="c" * 64), "fail", "0/1: x differs"),
        (CriticalFile(path="x"), "warn", "no checksum in the fleet file"),
        (CriticalFile(path="x", source=Path("good"), md5="c" * 32), "fail", "0/1: x differs"),
    ],
)
def test_a_checksum_is_compared_with_what_the_fleet_file_says(file: CriticalFile, status: str, says: str) -> None:
    judge = next(entry for entry in CHECKS if entry.id == "files").judge
    verdict = judge(subject_of(critical_files=(file,)), Answer(0, SUMS))
    assert (verdict.status, says in verdict.detail) == (status, True), verdict
    assert verdict.mends == (status == "ok" or file.source is not None)


def test_a_variable_that_the_fleet_file_sets_is_not_for_a_repair() -> None:
    judge = next(entry for entry in CHECKS if entry.id == "env").judge
    verdict = judge(subject_of(env={"RUNTIME_CONTAINER_IMAGE": "skip"}), Answer(0, ""))
    assert (verdict.status, verdict.mends) == ("fail", False)
    assert verdict.detail == "RUNTIME_CONTAINER_IMAGE=skip in the fleet file"


def test_a_task_lists_the_checks_of_its_image() -> None:
    values = {"instance_id": "t", "repo": "o/n", "base_commit": "c", "test_command": "true", "test_patch": ""}
    task = Task.model_validate({**values, "FAIL_TO_PASS": [], "PASS_TO_PASS": []})
    subject = subject_of()
    with_task = Subject(subject.instance, subject.fleet, "native", task)
    assert [check.id for check in checks_for(with_task)] == ["ssh", "disk", "busy", "image", "load", "memory", "clock"]
