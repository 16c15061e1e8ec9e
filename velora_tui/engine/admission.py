"""Whether a start or a retry may go ahead, and why not where it may not."""

from __future__ import annotations

import asyncio
from collections.abc import Collection
from pathlib import Path

from velora_tui.domain.events import AttemptState
from velora_tui.domain.readiness import Readiness
from velora_tui.domain.requests import RunRequest
from velora_tui.domain.run import Attempt, Run
from velora_tui.domain.task import Task
from velora_tui.engine import leases
from velora_tui.engine.checkup import Scope, Slow, way_out
from velora_tui.engine.driver import Workshop
from velora_tui.errors import InstanceBusy, InstanceNotReady, Refused, UnknownName, UsageError
from velora_tui.pipeline.recipes import recipe
from velora_tui.store.datasets import load_dataset, pick_task


class Admission:
    """The rules of starting, over the state of the fleet."""

    def __init__(self, workshop: Workshop) -> None:
        self._shop = workshop

    async def task(self, request: RunRequest) -> Task:
        """Return the task that is asked for. Raises DatasetError and UnknownName."""
        tasks = await asyncio.to_thread(load_dataset, Path(request.dataset))
        return pick_task(tasks, request.task, request.dataset)

    def phases(self, request: RunRequest) -> tuple[str, ...]:
        """Check recipe, model and instance by name; return the recipe's phases. Raises UnknownName and UsageError."""
        fleet = self._shop.fleet
        if not fleet.instances:
            raise UsageError("the fleet has no instances", hint="add [[instances]] to the fleet file")
        if fleet.models and request.model not in fleet.models:
            raise UnknownName.of("model", request.model, list(fleet.models))
        if request.instance is not None:
            self._shop.machines.instance(request.instance)
        return recipe(request.recipe or fleet.defaults.recipe).names

    def existing(self, task: str, model: str, run_number: int) -> Run | None:
        """Return the run of that key, if there is one. Raises Refused while it is active."""
        key = (task, model, run_number)
        run = next((run for run in self._shop.ledger.runs.values() if run.key == key), None)
        if run is not None and run.is_active:
            raise Refused(
                f"this task, model and run number is active as run {run.run}",
                hint="stop it, or choose another run number",
            )
        return run

    async def require_free(self, instances: Collection[str], recipe: str | None, *, force: bool) -> None:
        """Check that one of `instances` is idle and ready for the recipe (default: the fleet's).

        `force` passes over failing checks, but over nobody's lease. The first that is ready is enough: one that does
        not answer holds up nobody. Raises InstanceBusy and InstanceNotReady.
        """
        idle = self.require_idle(instances)
        scope = Scope(Slow.NONE if force else Slow.DUE, recipe=recipe)
        checks: list[Readiness] = []
        for checking in asyncio.as_completed([self._shop.machines.check(name, scope) for name in idle]):
            checks.append(await checking)
            if (force or checks[-1].ready) and not _is_foreign(checks[-1]):
                return
        checks.sort(key=lambda check: idle.index(check.instance))
        foreign = {check.instance: check.holder for check in checks if check.holder and check.holder.is_foreign}
        if len(checks) == 1 and (holder := foreign.get(idle[0])):
            raise leases.busy(idle[0], holder)
        if len(checks) == 1:
            raise InstanceNotReady(checks[0].reason, instance=idle[0], hint=way_out(checks))
        reasons = "; ".join(f"{readiness.instance} ({readiness.reason})" for readiness in checks)
        raise InstanceNotReady(f"no idle instance is ready: {reasons}", hint=way_out(checks))

    def require_idle(self, instances: Collection[str]) -> list[str]:
        """Return those of `instances` that no active attempt has or has asked for. Raises InstanceBusy."""
        busy = self._busy()
        idle = [name for name in instances if name not in busy]
        if not idle:
            raise _all_busy(instances, busy)
        return idle

    def retry_point(self, run: Run, from_phase: str | None) -> Attempt:
        """Return the attempt that a retry follows. Raises UsageError, and Refused where it can't begin there."""
        last = run.attempt
        if last is None or not last.state.is_over:
            raise Refused(f"run {run.run} is not over yet", hint="stop it first")
        if from_phase is None:
            return last
        names = [phase.name for phase in last.phases]
        if from_phase not in names:
            raise UnknownName.of("phase", from_phase, names)
        restarts = recipe(run.recipe).restarts
        if from_phase not in restarts:
            places = ", ".join(name for name in names if name in restarts)
            raise UsageError(
                f"the {run.recipe} recipe cannot start at {from_phase}",
                hint=f"start at {places}, or anew: `velora retry {run.run}` without --from",
            )
        missing = next((phase.name for phase in last.phases[: names.index(from_phase)] if not phase.is_done), None)
        if missing is not None or last.instance is None:
            raise Refused(
                f"attempt {last.number} did not finish {missing}, so {from_phase} has nothing to start from",
                hint=f"retry from {missing} or from the start",
            )
        return last

    def retry_place(self, last: Attempt, from_phase: str | None, instance: str | None) -> str | None:
        """Return where a retry goes: to `instance`, else to that of the last attempt, which has what its phases made.

        Raises UnknownName and UsageError.
        """
        if instance is None:
            return last.instance
        self._shop.machines.instance(instance)
        if from_phase is not None and instance != last.instance:
            raise UsageError(
                f"what comes before {from_phase} lies on {last.instance}: only there a retry can begin with it",
                hint=f"retry there, or from the start on {instance}",
            )
        return instance

    def _busy(self) -> dict[str, str]:
        """Return run ids by the instance that an active attempt has or has asked for."""
        active = [run for run in self._shop.ledger.runs.values() if run.attempt and not run.attempt.state.is_over]
        active.sort(key=lambda run: run.attempt is not None and run.attempt.started_at is not None)  # these count
        return {run.attempt.instance: run.run for run in active if run.attempt and run.attempt.instance}


def _is_foreign(readiness: Readiness) -> bool:
    return readiness.holder is not None and readiness.holder.is_foreign


def _all_busy(instances: Collection[str], busy: dict[str, str]) -> InstanceBusy:
    if len(instances) == 1:
        (name,) = instances
        return InstanceBusy(
            f"busy with run {busy[name]}", instance=name, hint="stop it, wait (--wait), or choose another"
        )
    return InstanceBusy("every instance is busy", hint="wait in the queue with --wait, or stop a run")


def running_elsewhere(workshop: Workshop, instance: str) -> str | None:
    """Return the run that a process other than the caller's worker has running on `instance`."""
    for run in workshop.ledger.runs.values():
        attempt = run.attempt
        if attempt and attempt.state is AttemptState.RUNNING and attempt.instance == instance:
            return run.run
    return None
