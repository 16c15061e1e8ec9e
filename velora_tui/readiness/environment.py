"""What checks and repairs find in their environment: what a run finds, or their answers would be about another."""

from __future__ import annotations

from shlex import quote

from velora_tui.domain.fleet import Instance


def exports(instance: Instance) -> str:
    """Return sh code that sets the variables which the fleet file gives the instance.

    They may be secrets: it goes in on standard input, because a command line is seen by everybody there.
    """
    lines = "".join(f"export {name}={quote(value)}\n" for name, value in instance.variables.items())
    return f'{lines}export PATH="$HOME/.local/bin:$PATH"\n'
