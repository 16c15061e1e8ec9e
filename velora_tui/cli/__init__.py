"""The command line: every command of Velora, and errors as one line each."""

from __future__ import annotations

import logging
import os
import sys
import traceback
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from velora_tui import __version__
from velora_tui.cli import (
    check,
    compare,
    dashboard,
    demo,
    diagnose,
    export,
    grade,
    import_,
    logs,
    missing,
    regrade,
    repair,
    results,
    runs,
    status,
    validate,
    watch,
)
from velora_tui.cli.console import Console
from velora_tui.cli.error_log import ErrorLogHandler
from velora_tui.cli.exits import Exit, interrupted
from velora_tui.cli.options import FleetOption, JsonOption, Options, StateOption, TrustOption, given
from velora_tui.cli.session import Interrupted
from velora_tui.errors import FleetFileError, UsageError, VeloraError
from velora_tui.store.error_log import report_bug

app = typer.Typer(
    name="velora",
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    no_args_is_help=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _show_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"velora {__version__}")
        raise typer.Exit


@app.callback(invoke_without_command=True, epilog="Example: velora --fleet velora.toml")
def root(
    ctx: typer.Context,
    fleet: FleetOption = None,
    state: StateOption = None,
    as_json: JsonOption = False,
    accept_new_host_keys: TrustOption = False,
    read_only: Annotated[bool, typer.Option("--readonly", help="Look at everything, change nothing.")] = False,
    theme: Annotated[str | None, typer.Option("--theme", metavar="NAME", help="The dashboard's theme.")] = None,
    ascii_only: Annotated[bool, typer.Option("--ascii", help="No symbols beyond ASCII on the dashboard.")] = False,
    version: Annotated[
        bool, typer.Option("--version", callback=_show_version, is_eager=True, help="Print the version.")
    ] = False,
) -> int:
    """Watch, mend and relaunch coding-agent runs across a fleet of machines.

    Without a command, open the dashboard.
    """
    options = given(ctx, fleet, state, as_json, accept_new_host_keys)
    options.read_only = read_only
    if ctx.invoked_subcommand is not None:
        return Exit.OK
    return dashboard.open_dashboard(options, theme, ascii_only)


_COMMANDS = (
    (demo.demo, "velora demo --headless --json --seed 1 --speed 20"),
    (check.check, "velora check eval1 eval2"),
    (repair.repair, "velora repair eval1,eval2 disk"),
    (runs.run, "velora run --dataset task.jsonl --model llm.gpt --instance eval1"),
    (runs.attach, "velora attach"),
    (status.status, "velora status --json"),
    (watch.watch, "velora watch eval1"),
    (logs.logs, "velora logs 01K0X3 --phase trajectory --follow"),
    (diagnose.diagnose, "velora diagnose 01K0X3"),
    (runs.stop, "velora stop 01K0X3"),
    (runs.retry, "velora retry 01K0X3 --from evaluation"),
    (results.results, "velora results results/ --json"),
    (import_.import_, "velora import ~/january ~/february --dataset tasks.jsonl"),
    (compare.compare, "velora compare --task django-11099"),
    (missing.missing_, "velora missing --dataset tasks.jsonl --model llm.gpt --runs 8 --format csv"),
    (export.export, "velora export --format html --output report.html"),
    (regrade.regrade, "velora regrade ~/january --json"),
    (validate.validate, "velora validate tasks.jsonl ~/january"),
    (grade.grade, "velora grade --task task.jsonl --log test_output.txt"),
)
for _command, _example in _COMMANDS:
    app.command(_command.__name__.rstrip("_"), epilog=f"Example: {_example}")(_command)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line and return its exit status; nothing that goes wrong shows a traceback."""
    options = Options()
    _prepare(options)
    status_of_command = _run(options, None if arguments is None else list(arguments))
    _let_go_of_stdout()
    return status_of_command


def _run(options: Options, arguments: list[str] | None) -> int:
    console = Console()
    try:
        return int(app(args=arguments, prog_name="velora", standalone_mode=False, obj=options) or Exit.OK)
    except typer.TyperException as error:
        console.complain(_one_line(error))
        return Exit.USAGE
    except VeloraError as error:
        console.complain(error.explain())
        for other in error.others if isinstance(error, FleetFileError) else ():
            console.complain(other.explain())
        return Exit.USAGE if isinstance(error, UsageError) else Exit.PROBLEM
    except Interrupted as error:
        return interrupted(error.number)
    except BrokenPipeError:
        return Exit.PROBLEM
    except Exception as error:  # noqa: BLE001 - the boundary of the command line: reported, and told in one line
        if isinstance(error, OSError) and _output_is_lost():  # as the help's, which is not printed by a Console
            console.complain(f"standard output cannot be written: {error.strerror}")
            return Exit.PROBLEM
        path = options.error_log()
        report_bug(path, traceback.format_exc())
        console.complain(f"a bug: {type(error).__name__}: {error} — please report it; details are in {path}")
        return Exit.PROBLEM


def _prepare(options: Options) -> None:
    """Keep libraries' warnings off the terminal, and symbols from ending a command on an old one."""
    if sys.stdout is None:  # closed by the caller; what is opened next must not be taken for it
        sys.stdout = Path(os.devnull).open("w")  # noqa: SIM115 - it lasts as long as the process
    if sys.stderr is None:
        sys.stderr = Path(os.devnull).open("w")  # noqa: SIM115
    logging.captureWarnings(True)
    logging.getLogger().addHandler(ErrorLogHandler(options.error_log))
    for stream in (sys.stdout, sys.stderr):
        stream.reconfigure(errors="replace")  # type: ignore[union-attr]


def _one_line(error: typer.TyperException) -> str:
    message = " ".join(error.format_message().split()).removesuffix(".").replace(": Value error, ", ": ")
    ctx = getattr(error, "ctx", None)
    return f"{message} — see `{ctx.command_path} --help`" if ctx is not None else message


def _output_is_lost() -> bool:
    """Tell whether what is left for standard output cannot be written."""
    try:
        sys.stdout.flush()
    except OSError:
        return True
    return False


def _let_go_of_stdout() -> None:
    """Write out what is left; where nobody reads any more, have the interpreter's own last flush go nowhere."""
    if _output_is_lost():
        with Path(os.devnull).open("w") as nothing:
            os.dup2(nothing.fileno(), sys.stdout.fileno())
