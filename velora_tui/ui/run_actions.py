"""Starting, retrying, stopping and checking, as any screen asks for them."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from typing import Any, Protocol

from textual.app import App

from velora_tui.domain.fleet import Fleet
from velora_tui.domain.run import Run
from velora_tui.errors import InstanceBusy, InstanceNotReady, VeloraError
from velora_tui.ui.port import Dashboard, restarts_of
from velora_tui.ui.screens.choice import ChoiceScreen
from velora_tui.ui.screens.confirm import ConfirmScreen, Question
from velora_tui.ui.screens.start import StartScreen, load_form
from velora_tui.ui.take_over import may_take_over
from velora_tui.view.cells import Cell, Span
from velora_tui.view.states import run_state
from velora_tui.view.task_names import short_task

FROM_START = "start"
FROM_FAILED = "failed"


class Asking(Protocol):
    """A screen that can ask and tell."""

    @property
    def app(self) -> App[Any]: ...

    @property
    def dashboard(self) -> Dashboard: ...

    def say(self, words: str, *, title: str = "", is_problem: bool = False) -> None: ...

    def show_error(self, error: VeloraError) -> None: ...


def run_name(run: Run, fleet: Fleet) -> tuple[Span, ...]:
    """Return a run as people name it: instance, task, model, number."""
    attempt = run.attempt
    where = f"{attempt.instance}  " if attempt and attempt.instance else ""
    return (
        Span(where, "strong"),
        Span(f"{run.repo} "),
        Span(f"{short_task(run)}  ", "dim"),
        Span(fleet.label(run.model), "model"),
        Span(f"  run {run.run_number}", "dim"),
    )


async def start_run(screen: Asking, instances: Sequence[str]) -> bool:
    """Ask what to start, with the first of `instances` proposed, as a run goes to one; True if something is started."""
    dashboard = screen.dashboard
    remembered = await load_form(dashboard.engine.layout.form)
    run = await screen.app.push_screen_wait(StartScreen(dashboard.engine, dashboard.datasets, remembered, instances))
    if run is not None:
        waits = run.attempt is not None and run.attempt.instance is None
        screen.say(f"{run.repo} {short_task(run)} · {run.model} · run {run.run_number}{' waits' if waits else ''}",
                   title="started")  # fmt: skip
    return run is not None


async def stop_runs(screen: Asking, runs: Sequence[Run]) -> bool:
    """Ask, then stop the active ones among `runs`; False after a no."""
    engine = screen.dashboard.engine
    active = [run for run in runs if run.is_active and run.attempt is not None and not run.attempt.stopping]
    amount = f"{len(active)} runs" if len(active) != 1 else "this run"
    question = Question(
        f"Stop {amount}?",
        f"stop {amount}",
        tuple((*run_state(run).spans, Span("  "), *run_name(run, engine.fleet)) for run in active),
        (Span("What was written so far stays; r starts another attempt.", "dim"),),
    )
    if not await screen.app.push_screen_wait(ConfirmScreen(question)):
        return False
    await _each(screen, active, lambda run: engine.stop(run.run))
    return True


async def retry_runs(screen: Asking, runs: Sequence[Run]) -> bool:
    """Ask from where, then try the ended ones among `runs` again; False where one leaves it."""
    engine = screen.dashboard.engine
    over = [run for run in runs if not run.is_active and run.attempts]
    choices = retry_choices(over, {run.run: restarts_of(engine, run.run) for run in over})
    title = Span(f"Retry {len(over)} runs" if len(over) != 1 else "Retry", "strong")
    names = [run_name(run, engine.fleet) for run in over[:8]]
    chosen = await screen.app.push_screen_wait(ChoiceScreen(title, choices, notes=names))
    if chosen is None:
        return False
    await _each(screen, over, lambda run: _retry(screen, run, _phase_chosen(run, chosen, restarts_of(engine, run.run))))
    return True


def retry_choices(runs: Sequence[Run], restarts: Mapping[str, Collection[str]]) -> list[tuple[str, Cell]]:
    """Return from where one can retry, the failed phase first; of several runs each from its own, if any has one.

    `restarts` has by run the phases at which its recipe can begin.
    """
    start: tuple[str, Cell] = (FROM_START, "from the start")
    if len(runs) != 1:
        number = sum(_phase_chosen(run, FROM_FAILED, restarts[run.run]) is not None for run in runs)
        words = "from the phase that failed"
        some = f"{number} {words}, {len(runs) - number} from the start"
        return [*([(FROM_FAILED, words if number == len(runs) else some)] if number else []), start]
    (run,) = runs
    attempt = run.attempt
    assert attempt is not None
    first, failed = attempt.phases[0], attempt.next_phase
    before = attempt.phases if failed is None else attempt.phases[: attempt.phases.index(failed)]
    can = [phase.name for phase in before if phase is not first and phase.is_done and phase.name in restarts[run.run]]
    choices: list[tuple[str, Cell]] = [start, *((name, f"from {name}") for name in can)]
    if failed is not None and failed is not first and failed.name in restarts[run.run]:
        how = "stopped" if failed.failure is None else "failed"
        choices.insert(0, (failed.name, (Span(f"from {failed.name}"), Span(f"   where it {how}", "dim"))))
    return choices


def _phase_chosen(run: Run, chosen: str, restarts: Collection[str]) -> str | None:
    if chosen == FROM_START:
        return None
    if chosen != FROM_FAILED:
        return chosen
    failed = run.attempt.next_phase if run.attempt else None
    is_first = failed is None or run.attempt is None or failed is run.attempt.phases[0]
    return failed.name if failed is not None and not is_first and failed.name in restarts else None


async def _retry(screen: Asking, run: Run, phase: str | None) -> Any:
    """Retry; where the instance is busy, not ready or left behind by another, ask whether to go on all the same."""
    engine = screen.dashboard.engine
    if not await may_take_over(screen.app, engine.snapshot(), run.attempt.instance if run.attempt else None):
        return None
    try:
        return await engine.retry(run.run, phase)
    except InstanceBusy as error:
        question = Question("Wait in the queue?", "wait", (run_name(run, engine.fleet),), (str(error),), False)
        if await screen.app.push_screen_wait(ConfirmScreen(question)):
            return await engine.retry(run.run, phase, wait=True)
    except InstanceNotReady as error:
        question = Question("Start although not ready?", "start", (run_name(run, engine.fleet),), (str(error),))
        if await screen.app.push_screen_wait(ConfirmScreen(question)):
            return await engine.retry(run.run, phase, force=True)
    return None


async def check_instances(screen: Asking, names: Sequence[str]) -> None:
    """Check instances, and tell how many are ready."""
    found = await screen.dashboard.engine.check(names)
    blocked = [readiness for readiness in found if not readiness.ready]
    if len(found) == 1 and blocked:
        screen.say(f"{blocked[0].instance}: {blocked[0].reason}", title="not ready", is_problem=True)
    elif blocked:
        names_blocked = ", ".join(readiness.instance for readiness in blocked[:6])
        screen.say(f"{len(found) - len(blocked)} of {len(found)} ready; not: {names_blocked}", is_problem=True)
    else:
        screen.say(f"{found[0].instance} is ready" if len(found) == 1 else f"all {len(found)} are ready")


async def _each(screen: Asking, runs: Sequence[Run], act: Callable[[Run], Awaitable[Any]]) -> None:
    """Do it to each run; one that refuses does not keep the others from it."""
    errors: list[VeloraError] = []
    for run in runs:
        try:
            await act(run)
        except VeloraError as error:
            errors.append(error)
    if len(errors) > 1:
        screen.say(f"{len(errors)} of {len(runs)} refused; the first: {errors[0].explain()}", is_problem=True)
    elif errors:
        raise errors[0]
