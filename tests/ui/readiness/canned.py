"""An engine with answers that stand still, for pictures: broken instances, a plan, odd files and an audit."""

from __future__ import annotations

from pathlib import Path

from tests.ui.dashboard.build import ago, attempt, failure, instance, run, snapshot
from tests.ui.dashboard.fake_engine import FakeEngine
from velora_tui.domain.events import AnyEvent, AttemptState, CommandRan, RepairEnded, RepairStarted
from velora_tui.domain.readiness import (
    BUILT_IN_CHECKS,
    CheckResult,
    CheckStatus,
    FileCopy,
    FileReport,
    FileRow,
    Readiness,
)
from velora_tui.domain.repair import Affected, RepairPlan, RepairResult, RepairStep
from velora_tui.domain.snapshot import FleetSnapshot, InstanceSnapshot

GOOD, OTHER = "b8487be4" * 8, "4c1cc177" * 8
FILES = ("scripts/run_full_eval_with_s3.sh", "openhands/runtime/builder/docker.py", "evaluation/utils/shared.py")
BLOCKING = set(BUILT_IN_CHECKS[:7]) | {"config", "aws"}
DIFF = (
    "--- eval2:~/OpenHands/docker.py\n+++ good/docker.py\n@@ -1,2 +1,2 @@\n import os\n-BUILDKIT = 0\n+BUILDKIT = 1\n"
)


def asked(name: str, asking: tuple[str, ...] = (), **wrong: tuple[CheckStatus, str, str | None]) -> InstanceSnapshot:
    """An instance whose checks are in order but for `wrong` ones: (status, detail, repair)."""

    def check(name: str) -> CheckResult:
        details = {"disk": "41 % used", "files": "3/3 as expected"}
        status, detail, repair = wrong.get(
            name.replace("-", "_"), (CheckStatus.OK, details.get(name, "in order"), None)
        )
        since = ago(7_200) if name.replace("-", "_") in wrong else ago(20)
        output = f"{detail}\nas the probe says\n" if repair else ""
        return CheckResult(
            id=name, status=status, detail=detail, repair=repair, blocking=name in BLOCKING,
            output=output, at=ago(20), since=since,
        )  # fmt: skip

    found = Readiness(
        instance=name,
        checks=tuple(check(name) for name in BUILT_IN_CHECKS if name not in {"image", "cached"}),
        at=ago(20),
        asking=frozenset(asking),
    )
    return instance(name, ready=found)


def failed(name: str, row: InstanceSnapshot, task: str) -> InstanceSnapshot:
    """The same instance after a run that failed for want of buildx."""
    why = failure("docker-buildx", "image").model_copy(update={"repair": "push-files", "evidence": "no --load"})
    a_run = run(name, "pallets/click", task, "llm.gpt", attempt(row.instance.name, "image", AttemptState.FAILED,
                                                               failure=why))  # fmt: skip
    return InstanceSnapshot(row.instance, row.connection, row.readiness, run=a_run)


def broken() -> FleetSnapshot:
    """Six instances, four of them broken in the usual ways, one still being asked."""
    fail, warn, unknown = CheckStatus.FAIL, CheckStatus.WARN, CheckStatus.UNKNOWN
    odd = (fail, "2/3: docker.py differs from the good copy", "push-files")
    rows = (
        asked("eval1"),
        failed("01A2", asked("eval2", files=odd, git=(warn, "no commit yet", "git-init")), "1769880766"),
        failed("01A3", asked("eval3", files=odd), "2014"),
        asked("eval4", disk=(fail, "91 % used, limit 80 %", "free-disk"), docker_disk=(warn, "38 GB unused", None)),
        asked("lancer1", docker=(unknown, "it says nothing of use", "start-docker")),
        asked("lancer2", asking=("poetry", "credentials")),
    )
    return snapshot(*rows)


class CannedEngine(FakeEngine):
    """Plans and files that stand still."""

    def __init__(self, state: Path) -> None:
        super().__init__(broken(), state)

    async def plan_repair(self, instances, name: str) -> tuple[RepairPlan, ...]:
        self._ask("plan_repair", *instances, name)
        step = RepairStep(what="remove 2 stopped containers", command="docker rm 12ab 34cd\n")
        things = (
            Affected(kind="container", name="sweb.eval.old", size_bytes=2_000_000_000, detail="stopped 3 days ago"),
            Affected(kind="image", name="mswebench/click:1", size_bytes=36_000_000_000),
        )
        return tuple(
            RepairPlan(
                instance=instance,
                repair=name,
                title="free disk space",
                check="disk",
                steps=(step,),
                affected=things,
                frees=True,
                notes=("what a container uses stays",),
            )
            for instance in instances
        )

    async def repair(self, plan: RepairPlan) -> RepairResult:
        self._ask("repair", plan.instance)
        before = self.shown.instance(plan.instance).readiness.check("disk")
        after = before.model_copy(update={"status": CheckStatus.OK, "detail": "47 % used"})
        return RepairResult(
            instance=plan.instance, repair=plan.repair, check="disk", before=before, after=after,
            done=tuple(step.what for step in plan.steps), freed_bytes=38_000_000_000,
        )  # fmt: skip

    async def file_report(self, instances=()) -> FileReport:
        def copy(instance: str, path: str) -> FileCopy:
            if instance in {"eval2", "eval3"} and path == FILES[1]:
                return FileCopy(instance=instance, state="differs", sha256=OTHER, odd=True)
            if instance == "lancer1":
                return FileCopy(instance=instance, state="unknown", detail="it could not be read")
            return FileCopy(instance=instance, state="good", sha256=GOOD, executable=path.endswith(".sh"))

        names = list(instances) or [row.instance.name for row in self.shown.instances]
        rows = (
            FileRow(path=path, expected=f"sha256:{GOOD}", good_copy="good", copies=tuple(copy(n, path) for n in names))
            for path in FILES
        )
        return FileReport(rows=tuple(rows))

    async def file_diff(self, instance: str, path: str) -> str:
        return DIFF

    async def audit(self, instances=(), *, after: int = 0, limit: int = 2_000) -> list[AnyEvent]:
        put = "keep the old one, put good/docker.py at ~/OpenHands/docker.py, mode 644"
        on = {"instance": "eval2", "by": "ann@desk"}
        events = [
            RepairStarted(seq=7, at=ago(300), repair="push-files", check="files", steps=(put,), **on),
            CommandRan(
                seq=8, at=ago(299), purpose=f"push-files: {put}", command="set -eu\nmode=644\ncat >$new\n", **on
            ),
            RepairEnded(seq=9, at=ago(296), repair="push-files", check="files", done=(put,), mended=True, **on),
        ]
        return [event for event in events if event.seq > after]
