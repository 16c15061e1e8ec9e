"""The commands that start, retry, take up and stop runs."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from pydantic import ValidationError

from velora_tui.cli.console import Console
from velora_tui.cli.exits import Exit
from velora_tui.cli.follow import Follower
from velora_tui.cli.options import FleetOption, JsonOption, Options, RunArgument, StateOption, TrustOption, given
from velora_tui.cli.session import Interrupted, run_session
from velora_tui.domain.events import AttemptState
from velora_tui.domain.fleet import Fleet
from velora_tui.domain.requests import RunRequest
from velora_tui.domain.run import Run
from velora_tui.errors import OutputLost, UnknownName, UsageError, VeloraError
from velora_tui.pipeline.imported.validate import validate_dataset
from velora_tui.store.datasets import load_dataset
from velora_tui.view.states import attempt_state
from velora_tui.view.stream import start_refused_record
from velora_tui.view.text import counted

if TYPE_CHECKING:
    from velora_tui.engine.engine import Engine

Begin = Callable[["Engine", Follower], Awaitable[None]]

STOP_LIMIT_SECONDS = 60.0

ForceOption = Annotated[bool, typer.Option("--force", help="Start although a readiness check fails.")]
WaitOption = Annotated[bool, typer.Option("--wait", help="Wait in the queue while no instance is free.")]


def run(
    ctx: typer.Context,
    datasets: Annotated[
        list[Path], typer.Option("--dataset", metavar="FILE", help="A dataset file; one run for each task in it.")
    ],
    model: Annotated[str | None, typer.Option("--model", metavar="M", help="A model of the fleet file.")] = None,
    tasks: Annotated[
        list[str] | None, typer.Option("--task", metavar="ID", help="Only this task of the datasets; may be repeated.")
    ] = None,
    instance: Annotated[
        str | None, typer.Option("--instance", metavar="NAME", help="The instance; without it, any that is ready.")
    ] = None,
    recipe: Annotated[str | None, typer.Option("--recipe", metavar="R", help="The recipe, e.g. native.")] = None,
    run_number: Annotated[int, typer.Option("--run-number", metavar="K", min=1, help="For pass@k: 1 to k.")] = 1,
    max_iterations: Annotated[
        int | None, typer.Option("--max-iterations", metavar="N", min=1, help="The agent's step limit.")
    ] = None,
    force: Annotated[
        bool, typer.Option("--force", help="Start although a readiness check fails, or a task has errors.")
    ] = False,
    wait: WaitOption = False,
    fleet: FleetOption = None,
    state: StateOption = None,
    as_json: JsonOption = False,
    accept_new_host_keys: TrustOption = False,
) -> int:
    """Start runs and follow them to their end.

    Ctrl-C lets go: the runs go on on their instances.

    Exit status: 0 finished, whatever the outcome; 2 wrong request; 3 a run failed or did not start; 4 stopped;
    5 let go.
    """
    options = given(ctx, fleet, state, as_json, accept_new_host_keys)
    known = options.load()[0]
    chosen = _model(model, known)
    requests = [
        _request(
            dataset=str(path),
            task=task,
            model=chosen,
            run_number=run_number,
            instance=instance,
            recipe=recipe,
            max_iterations=max_iterations,
            force=force,
            wait=wait,
        )
        for path, task in _chosen_tasks(datasets, tasks or [])
    ]
    if not force:
        _refuse_broken(requests)
    starter = _Starter(requests, Console(), as_json=options.as_json)
    status = drive(options, starter.begin)
    return Exit.FAILED if status == Exit.OK and starter.refusals else status


def retry(
    ctx: typer.Context,
    run_id: RunArgument,
    from_phase: Annotated[
        str | None,
        typer.Option("--from", metavar="PHASE", help="Begin there, on the same instance; without it, from the start."),
    ] = None,
    instance: Annotated[
        str | None, typer.Option("--instance", metavar="NAME", help="Another instance, from the start.")
    ] = None,
    force: ForceOption = False,
    wait: WaitOption = False,
    fleet: FleetOption = None,
    state: StateOption = None,
    as_json: JsonOption = False,
    accept_new_host_keys: TrustOption = False,
) -> int:
    """Give an ended run another attempt, and follow it.

    It goes to the instance of the last one unless another is named; earlier attempts are kept. Ctrl-C and exit statuses
    are those of `velora run`.
    """
    options = given(ctx, fleet, state, as_json, accept_new_host_keys)

    async def begin(engine: Engine, follower: Follower) -> None:
        follower.add([await engine.retry(run_id, from_phase, instance=instance, force=force, wait=wait)])

    return drive(options, begin)


def attach(
    ctx: typer.Context,
    fleet: FleetOption = None,
    state: StateOption = None,
    as_json: JsonOption = False,
    accept_new_host_keys: TrustOption = False,
) -> int:
    """Take up the runs that nobody follows any more.

    Ctrl-C and exit statuses are those of `velora run`.
    """
    options = given(ctx, fleet, state, as_json, accept_new_host_keys)
    console = Console()

    async def begin(engine: Engine, follower: Follower) -> None:
        engine.require_writable()
        runs = await engine.attach()
        follower.add(runs)
        if not runs:
            console.say("nothing to take up: no run goes on without a Velora that follows it")

    return drive(options, begin)


def stop(
    ctx: typer.Context,
    run_id: RunArgument,
    fleet: FleetOption = None,
    state: StateOption = None,
    as_json: JsonOption = False,
    accept_new_host_keys: TrustOption = False,
) -> int:
    """Stop a run.

    Its job ends on the instance; what it made so far stays there.

    Exit status: 0 it is over, 1 it could not be stopped, 2 wrong request.
    """
    options = given(ctx, fleet, state, as_json, accept_new_host_keys)
    console = Console()
    engine, follower = _engine(options, console)

    async def work() -> int:
        async with engine:
            engine.require_writable()
            run = engine.run(run_id)
            if not run.is_active:
                console.say(f"run {run.run} is over already: {run.attempt.state if run.attempt else 'never started'}")
                return Exit.OK
            with engine.observe() as subscription:
                stopping = await engine.stop(run_id)
                if not stopping.is_active:
                    return Exit.OK
                follower.add([stopping])
                await engine.attach(stopping.run)
                try:
                    await asyncio.wait_for(follower.follow(subscription), STOP_LIMIT_SECONDS)
                except TimeoutError:
                    console.complain(f"run {stopping.run} was asked to stop and is not over yet — see `velora status`")
                    return Exit.PROBLEM
        return Exit.OK

    return run_session(work(), on_interrupt=lambda: None)


def drive(options: Options, begin: Begin) -> int:
    """Have `begin` start or take up runs and follow them to their end; Ctrl-C lets go of them.

    Returns the exit status; anything that keeps the runs from starting is FAILED. Raises UsageError.
    """
    console = Console()
    engine, follower = _engine(options, console)

    async def work() -> Exit:
        async with engine:
            with engine.observe() as subscription:
                await begin(engine, follower)
                await follower.follow(subscription)
        return follower.exit_status()

    try:
        status = run_session(
            work(),
            on_interrupt=lambda: console.say("letting go of the runs … (Ctrl-C again does not wait)"),
            hard_status=Exit.DETACHED,
        )
    except UsageError:
        raise
    except (Interrupted, BrokenPipeError, OutputLost) as error:
        if isinstance(error, OutputLost):
            console.complain(error.explain())
        for words in _farewell(follower.going_on, options):
            console.say(words)
        return Exit.DETACHED
    except VeloraError as error:
        console.complain(error.explain())
        return Exit.FAILED
    for words in _farewell(follower.going_on, options):  # what could not be followed to its end
        console.say(words)
    return status


class _Starter:
    """Starts the runs that were asked for; what is refused after the first start is told, and keeps no other back."""

    def __init__(self, requests: list[RunRequest], console: Console, *, as_json: bool) -> None:
        self._requests = requests
        self._console = console
        self._as_json = as_json
        self.refusals = 0

    async def begin(self, engine: Engine, follower: Follower) -> None:
        for request in self._requests:
            try:
                run = await engine.start(request)
                follower.add([run])
                self._tell_again(run)
            except UsageError:
                raise
            except VeloraError as error:
                await self._refused(request, error)

    def _tell_again(self, run: Run) -> None:
        """Say where a run that has a result is given another attempt."""
        before = run.attempts[-2] if len(run.attempts) > 1 else None
        if before is not None and before.state is AttemptState.FINISHED:
            words = f"already {attempt_state(before).word} (attempt {before.number})"
            self._console.say(f"{run.task}: {words}: this is attempt {before.number + 1}")

    async def _refused(self, request: RunRequest, error: VeloraError) -> None:
        self.refusals += 1
        self._console.complain(error.explain() if len(self._requests) == 1 else f"{request.task}: {error.explain()}")
        if self._as_json:
            await self._console.record(start_refused_record(request, error))


def _engine(options: Options, console: Console) -> tuple[Engine, Follower]:
    from velora_tui.engine.engine import Engine  # SSH takes half a second to import

    engine = Engine(*options.load(), read_only=options.read_only, accept_new_host_keys=options.accept_new_host_keys)
    return engine, Follower(engine, console, as_json=options.as_json)


def _farewell(runs: list[Run], options: Options) -> list[str]:
    """Return what an operator should know who leaves `runs`."""
    working = [run for run in runs if run.attempt and run.attempt.started_at]
    waiting = len(runs) - len(working)
    words = []
    if working:
        places = ", ".join(f"{run.run} on {run.attempt.instance}" for run in working if run.attempt)
        words.append(f"{_counted(len(working), 'goes on', 'go on')}: {places}")
    if waiting:
        words.append(f"{_counted(waiting, 'waits', 'wait')} for an instance, until someone comes back")
    if runs:
        one = f", or `velora logs {working[0].run} --follow{options.again}`" if working else ""
        words.append(f"come back with `velora attach{options.again}`{one}")
    return words


def _counted(number: int, one: str, many: str) -> str:
    return f"1 run {one}" if number == 1 else f"{number} runs {many}"


def _model(name: str | None, fleet: Fleet) -> str:
    model = name or fleet.defaults.model
    if model is None:
        known = ", ".join(fleet.models) or "none in the fleet file yet"
        raise UsageError("no model was named", hint=f"name one with --model: {known}")
    return model


def _chosen_tasks(paths: list[Path], names: list[str]) -> list[tuple[Path, str]]:
    """Return dataset and id of each task to run: those called `names`, or all. Raises DatasetError and UnknownName."""
    tasks = [(path, task.instance_id) for path in paths for task in load_dataset(path)]
    known = [name for _, name in tasks]
    for name in names:
        if name not in known:
            raise UnknownName.of("task", name, known)
    return [(path, task) for path, task in tasks if not names or task in names]


def _refuse_broken(requests: list[RunRequest]) -> None:
    """Refuse tasks whose runs would be worthless, before any is started. Raises UsageError."""
    for path in dict.fromkeys(request.dataset for request in requests):
        names = {request.task for request in requests if request.dataset == path}
        for checked in validate_dataset(Path(path)):
            errors = [problem for problem in checked.problems if problem.level == "error"]
            if checked.name in names and errors:
                more = f" (and {counted(len(errors) - 1, 'more error')})" if len(errors) > 1 else ""
                raise UsageError(
                    f"{path}: {checked.name}: {errors[0].field}: {errors[0].detail}{more}",
                    hint="mend it (`velora validate` tells all), or start with --force",
                )


def _request(**fields: object) -> RunRequest:
    try:
        return RunRequest.model_validate(fields)
    except ValidationError as error:
        first = error.errors()[0]
        name = str(first["loc"][0]).replace("_", "-")
        raise UsageError(f"--{name}: {first['msg'].removeprefix('Value error, ')}") from None
