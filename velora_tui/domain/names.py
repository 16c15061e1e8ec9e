"""Names that come from outside and become paths or shell words: validated once, here."""

from __future__ import annotations

import re
from typing import Annotated

from pydantic import AfterValidator

_SAFE_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._+@=:-]{0,199}")
_REPO = re.compile(r"[A-Za-z0-9_.-]{1,100}/[A-Za-z0-9_.-]{1,100}")
_REVISION = re.compile(r"[A-Za-z0-9][A-Za-z0-9._/-]{0,199}")


def safe_name(name: str) -> str:
    """Return `name` if it can be one path component and one shell word; raise ValueError otherwise."""
    if not is_safe_name(name):
        raise ValueError(f"{name[:80]!r} is not a safe name: letters, digits and . _ + @ = : - only, at most 200")
    return name


def is_safe_name(name: str) -> bool:
    """Tell whether `safe_name` takes `name`."""
    return bool(_SAFE_NAME.fullmatch(name)) and ".." not in name


def repository(name: str) -> str:
    """Return `name` if it has the form owner/name; raise ValueError otherwise."""
    if not _REPO.fullmatch(name) or any(part in {".", ".."} for part in name.split("/")):
        raise ValueError(f"{name[:80]!r} is not a repository: expected owner/name")
    return name


def revision(name: str) -> str:
    """Return `name` if it can be a git revision; raise ValueError otherwise."""
    if not _REVISION.fullmatch(name) or ".." in name:
        raise ValueError(f"{name[:80]!r} is not a commit")
    return name


SafeName = Annotated[str, AfterValidator(safe_name)]
Repository = Annotated[str, AfterValidator(repository)]
Revision = Annotated[str, AfterValidator(revision)]
