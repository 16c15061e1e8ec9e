"""Run as a program, with swebench on the path: `LOG MODULE FUNCTION` prints the seconds that its parser takes."""

from __future__ import annotations

import sys
import time
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from types import ModuleType


def main(log: str, module: str, function: str) -> None:
    """Time the parser without what its package imports for other purposes."""
    package = find_spec("swebench")
    assert package is not None
    assert package.submodule_search_locations
    for name in ("harness", "harness.log_parsers"):
        bare = ModuleType(f"swebench.{name}")
        bare.__path__ = [str(Path(package.submodule_search_locations[0], *name.split(".")))]
        sys.modules[bare.__name__] = bare
    parse = getattr(import_module(f"swebench.harness.log_parsers.{module}"), function)
    text = Path(log).read_text()
    best = float("inf")
    for _ in range(5):
        started = time.process_time()
        found = parse(text, None)
        best = min(best, time.process_time() - started)
    print(best, len(found))


if __name__ == "__main__":
    main(*sys.argv[1:])
