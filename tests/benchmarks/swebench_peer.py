"""Run as a program, with swebench on the path: its parsers, timed on a log or asked what they read in many.

`time LOG MODULE FUNCTION` prints the seconds and the number of tests; `read` takes `LOG MODULE FUNCTION` on each line
of standard input, and prints a JSON object of statuses by test for each.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from types import ModuleType

Parse = Callable[[str, None], dict[str, str]]


def parser(module: str, function: str) -> Parse:
    """Return a parser without what its package imports for other purposes."""
    package = find_spec("swebench")
    assert package is not None
    assert package.submodule_search_locations
    for name in ("harness", "harness.log_parsers"):
        if f"swebench.{name}" not in sys.modules:
            bare = ModuleType(f"swebench.{name}")
            bare.__path__ = [str(Path(package.submodule_search_locations[0], *name.split(".")))]
            sys.modules[bare.__name__] = bare
    found: Parse = getattr(import_module(f"swebench.harness.log_parsers.{module}"), function)
    return found


def timed(log: str, module: str, function: str) -> None:
    parse = parser(module, function)
    text = Path(log).read_text()
    best = float("inf")
    for _ in range(5):
        started = time.process_time()
        found = parse(text, None)
        best = min(best, time.process_time() - started)
    print(best, len(found))


def read() -> None:
    for line in sys.stdin:
        log, module, function = line.split()
        text = Path(log).read_bytes().decode("utf-8", "replace")
        try:
            print(json.dumps(parser(module, function)(text, None)))
        except Exception as error:  # noqa: BLE001 - what a peer's parser raises is one of its answers
            print(json.dumps({"": type(error).__name__}))


if __name__ == "__main__":
    if sys.argv[1] == "time":
        timed(*sys.argv[2:])
    else:
        read()
