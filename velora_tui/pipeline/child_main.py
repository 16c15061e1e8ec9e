"""What a child does that reads a large file; it needs the standard library only."""

from __future__ import annotations

import json
import resource
import sys
from collections.abc import Sequence
from importlib import import_module
from typing import NoReturn

NO_MEMORY = "MemoryError"
_FAILED = 65


def main(arguments: Sequence[str]) -> None:
    """Have a module read a file. Arguments: -, the import root, module, path, memory in bytes.

    On failure it exits with 65, and the error's class and words are on standard error as a JSON list.
    """
    _, _, module, path, memory = arguments
    memory_bytes = int(memory)
    resource.setrlimit(resource.RLIMIT_AS, (memory_bytes, memory_bytes))
    try:
        import_module(module).read(path)
        sys.stdout.flush()
    except MemoryError:
        _refused(NO_MEMORY, f"to read it takes more than {memory_bytes / 1024**3:.1f} GiB of memory")
    except RecursionError as error:
        _refused(type(error).__name__, "it is nested too deeply")
    except OSError as error:
        _refused(type(error).__name__, f"{error.strerror}")
    except ValueError as error:
        _refused(type(error).__name__, str(error)[:300])


def _refused(kind: str, words: str) -> NoReturn:
    sys.stderr.write(json.dumps([kind, words]))
    sys.exit(_FAILED)
