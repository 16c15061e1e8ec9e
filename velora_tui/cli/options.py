"""The options that every command takes, and the fleet and folders that they lead to."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from shlex import quote
from typing import Annotated

import typer

from velora_tui.config import find_fleet_file, load_fleet, state_folder
from velora_tui.domain.fleet import Fleet
from velora_tui.errors import FleetFileError, UsageError, VeloraError
from velora_tui.store.layout import Layout

FleetOption = Annotated[
    Path | None,
    typer.Option("--fleet", metavar="FILE", help="The fleet file.", show_default="$VELORA_FLEET or ./velora.toml"),
]
StateOption = Annotated[
    Path | None,
    typer.Option("--state", metavar="DIR", help="The folder of journal and logs.", show_default="$VELORA_STATE"),
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON on standard output.")]
TrustOption = Annotated[
    bool,
    typer.Option(
        "--accept-new-host-keys", help="Trust the host keys of machines never met before; changed ones never."
    ),
]
RunArgument = Annotated[
    str,
    typer.Argument(metavar="RUN", help="Its id, its beginning or end, or a task that has one run.", show_default=False),
]


@dataclass
class Options:
    """What the command line says before and after the command's name; the later one counts."""

    fleet_file: Path | None = None
    state: Path | None = None
    as_json: bool = False
    read_only: bool = False
    accept_new_host_keys: bool = False

    def load(self) -> tuple[Fleet, Layout]:
        """Return the fleet and its folders. Raises FleetFileError."""
        path = find_fleet_file(self.fleet_file)
        if path is None:
            raise FleetFileError(
                "there is no fleet file (looked for --fleet, $VELORA_FLEET, ./velora.toml and the user's own)",
                hint="`velora` shows how to write one, `velora demo` works without",
            )
        fleet = load_fleet(path)
        return fleet, self.layout(fleet)

    def layout(self, fleet: Fleet | None) -> Layout:
        """Return the operator's folders; `fleet` None is for commands that need no fleet. Raises UsageError."""
        state = state_folder(self.state, fleet)
        if state.exists() and not state.is_dir():
            raise UsageError(f"the state folder {state} is a file, not a folder", hint="name another with --state")
        return Layout.under(state, fleet.fleet.results if fleet else None)

    @property
    def again(self) -> str:
        """The words that lead another command to the same fleet and folders."""
        pairs = (("--fleet", self.fleet_file), ("--state", self.state))
        return "".join(f" {name} {quote(str(path))}" for name, path in pairs if path)

    def error_log(self) -> Path:
        """Return where the details of a bug are kept, whatever state the fleet file is in."""
        try:
            return self.load()[1].error_log
        except VeloraError:
            return Layout.under(state_folder(self.state, None), None).error_log


def given(
    ctx: typer.Context, fleet: Path | None, state: Path | None, as_json: bool, accept_new_host_keys: bool = False
) -> Options:
    """Return the options of the whole command line, with those of this command taken in."""
    options: Options = ctx.obj
    options.fleet_file = fleet or options.fleet_file
    options.state = state or options.state
    options.as_json = as_json or options.as_json
    options.accept_new_host_keys = accept_new_host_keys or options.accept_new_host_keys
    return options
