"""`velora` without a command: the dashboard, or how to get there."""

from __future__ import annotations

import gc
import sys
from collections.abc import Callable
from textwrap import indent

import platformdirs

from velora_tui.cli.console import Console
from velora_tui.cli.exits import Exit
from velora_tui.cli.options import Options
from velora_tui.config import APP_NAME, EXAMPLE, FLEET_FILE_NAME, find_fleet_file
from velora_tui.errors import UsageError

SWITCH_SECONDS = 0.001

_WELCOME = """\
Velora needs to know your instances. Write a fleet file, for example:

{example}
Save it as ./{file} or {own},
or name it with --fleet or $VELORA_FLEET. Then:

  velora check     asks every instance whether it can take a run
  velora           opens the dashboard

No instances at hand?

  velora demo      opens the dashboard on an embedded fleet that does real work on this machine"""


def open_dashboard(options: Options, theme: str | None, ascii_only: bool) -> int:
    """Open the dashboard on the fleet; without a fleet file, say how to write one. Raises UsageError."""
    if find_fleet_file(options.fleet_file) is None:
        Console().say(welcome())
        return Exit.USAGE
    require_terminal(options, "`velora status` tells the same in text")
    run_dashboard = load_dashboard()
    fleet, layout = options.load()
    return run_dashboard(
        fleet,
        layout,
        read_only=options.read_only,
        theme=theme,
        ascii_only=ascii_only,
        come_back=f"velora{options.again}",
    )


def load_dashboard() -> Callable[..., int]:
    """Import the screens, which no other command needs, and have this process answer fast.

    A full garbage collection would look through all that is imported every few seconds, and hold up the screen for
    80 ms. Threads that compute give way after a millisecond: of three, 20 ms instead of 70 pass until it is the turn
    of the screen.
    """
    sys.setswitchinterval(SWITCH_SECONDS)
    gc.disable()
    try:
        from velora_tui.ui.dashboard import run_dashboard
    finally:
        gc.freeze()
        gc.enable()
    return run_dashboard


def welcome() -> str:
    """Return, on one screenful, how to write a fleet file and what to do without one."""
    own = platformdirs.user_config_path(APP_NAME) / FLEET_FILE_NAME
    return _WELCOME.format(example=indent(EXAMPLE, "  "), file=FLEET_FILE_NAME, own=own)


def require_terminal(options: Options, instead: str) -> None:
    """Check that a screen can be shown. Raises UsageError."""
    if options.as_json:
        raise UsageError("the dashboard has no --json", hint=instead)
    if not (sys.stdin.isatty() and sys.stdout.isatty()):
        raise UsageError("the dashboard needs a terminal", hint=instead)
