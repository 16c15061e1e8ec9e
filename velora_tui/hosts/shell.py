"""How words, paths and whole scripts reach a remote `sh`: the only place that quotes."""

from __future__ import annotations

import shlex
from base64 import b64encode
from dataclasses import dataclass

from velora_tui.errors import UsageError

# Linux refuses one argument over 128 KiB; base64 grows by a third, and the login shell and `sh` each hold the line.
INLINE_LIMIT_BYTES = 64 * 1024


def quote_path(path: str) -> str:
    """Return `path` as one shell word; a leading `~/` means the home folder, other relative paths start there too."""
    if not path or "\0" in path:
        raise UsageError(f"{path!r} is not a path on an instance")
    if path in {"~", "~/"}:
        return '"$HOME"'
    if path.startswith("~/"):
        return '"$HOME"/' + shlex.quote(path[2:])
    return shlex.quote(f"./{path}" if path.startswith("-") else path)


def assign(**values: str | int | float) -> str:
    """Return shell assignments, one a line, for values that a script reads; strings are quoted."""
    return "".join(f"{name}={shlex.quote(str(value))}\n" for name, value in values.items())


@dataclass(frozen=True)
class Invocation:
    """A command made ready to travel: the line for a login shell, and what its standard input must get first."""

    line: str
    stdin_prefix: bytes


def invocation(command: str, *, greeting: str = "") -> Invocation:
    """Pack `command` so that any login shell passes it on unchanged and `ps` and `pgrep -f` don't show its text.

    `greeting` is sh code that runs before it, without quotes of the single kind. Commands over INLINE_LIMIT_BYTES are
    read from standard input, of which exactly their bytes are consumed.
    """
    script = command.encode()
    if len(script) <= INLINE_LIMIT_BYTES:
        return Invocation(_line(greeting, f"echo {b64encode(script).decode()} | base64 -d"), b"")
    return Invocation(_line(greeting, f"head -c {len(script)}"), script)


def _line(greeting: str, source: str) -> str:
    return f"exec sh -c 'cd 2>/dev/null; {greeting}eval \"$({source})\"'"
