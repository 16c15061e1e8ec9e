"""The shell scripts that run on instances."""

from __future__ import annotations

from functools import cache
from importlib.resources import files


@cache
def script_text(name: str) -> str:
    """Return the text of one of the scripts in this folder."""
    return (files(__name__) / name).read_text()
