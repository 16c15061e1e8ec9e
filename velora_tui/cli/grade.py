"""`velora grade`: judge the log of a task's tests, without a fleet."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

import typer

from velora_tui.cli.console import Console
from velora_tui.cli.exits import Exit
from velora_tui.cli.options import FleetOption, JsonOption, StateOption, given
from velora_tui.domain.task import Task
from velora_tui.errors import UsageError
from velora_tui.grading.grade import grade as judge
from velora_tui.grading.parsers import PARSERS
from velora_tui.grading.report import grade_document
from velora_tui.store.datasets import load_dataset, pick_task
from velora_tui.view.cli_verdict import verdict_lines

_BLOCK_BYTES = 1024 * 1024


def grade(
    ctx: typer.Context,
    task_file: Annotated[Path, typer.Option("--task", metavar="FILE", help="The task's dataset file.")],
    log: Annotated[Path, typer.Option("--log", metavar="FILE", help="What the task's test command printed.")],
    parser: Annotated[
        str | None,
        typer.Option(
            "--parser",
            metavar="P",
            help=f"Read the log with this parser, not the task's own; the last part is enough: {', '.join(PARSERS)}.",
        ),
    ] = None,
    exit_status: Annotated[
        int | None, typer.Option("--exit-status", metavar="N", help="How the test command ended, if known.")
    ] = None,
    task_id: Annotated[
        str | None, typer.Option("--id", metavar="ID", help="The task, where the file holds several.")
    ] = None,
    fleet: FleetOption = None,
    state: StateOption = None,
    as_json: JsonOption = False,
) -> int:
    """Judge the log of a task's tests.

    Each test of the FAIL_TO_PASS and PASS_TO_PASS lists is looked for by its exact name.

    Exit status: 0 whatever the verdict, 2 wrong request, such as a file that can't be read.
    """
    options = given(ctx, fleet, state, as_json)
    verdict = judge(_task(task_file, task_id), _blocks(log), parser=parser, exit_status=exit_status)
    console = Console()
    if options.as_json:
        console.document(grade_document(verdict))
    else:
        console.lines(verdict_lines(verdict))
    return Exit.OK


def _task(path: Path, task_id: str | None) -> Task:
    tasks = load_dataset(path)
    if task_id is None and len(tasks) > 1:
        names = ", ".join(task.instance_id for task in tasks[:5])
        raise UsageError(f"{path} holds {len(tasks)} tasks", hint=f"choose one with --id: {names}")
    return pick_task(tasks, task_id, str(path))


def _blocks(path: Path) -> Iterator[bytes]:
    """Yield the log a block at a time. Raises UsageError."""
    try:
        with path.open("rb") as file:
            while block := file.read(_BLOCK_BYTES):
                yield block
    except OSError as error:
        raise UsageError(f"the log {path} cannot be read: {error.strerror}", hint="name a file with --log") from None
