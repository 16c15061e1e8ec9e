"""The fleet file: where it is found, how it is read, and errors that name file, line and key."""

from __future__ import annotations

import os
import re
import tomllib
from collections.abc import Mapping
from difflib import get_close_matches
from pathlib import Path
from typing import TypeVar

import platformdirs
from pydantic import ValidationError
from pydantic_core import ErrorDetails

from velora_tui.domain import fleet as sections
from velora_tui.domain.fleet import Fleet, Section
from velora_tui.errors import FleetFileError

APP_NAME = "velora"
SectionType = TypeVar("SectionType", bound=Section)

FLEET_FILE_NAME = "velora.toml"

EXAMPLE = """\
[fleet]
name = "my-fleet"

[models."llm.gpt"]
label = "gpt"

[[instances]]
name = "eval1"
host = "aws-instance-eval1"   # an alias of your SSH config, a name or an address; "local" is this machine
"""


def find_fleet_file(given: Path | None, environment: Mapping[str, str] = os.environ) -> Path | None:
    """Return the first fleet file of: `given`, $VELORA_FLEET, ./velora.toml, the user's config folder.

    Raises FleetFileError where a file is named but not there; returns None where none is named or found.
    """
    named = given or (Path(environment["VELORA_FLEET"]) if environment.get("VELORA_FLEET") else None)
    if named is not None:
        if not named.is_file():
            source = "--fleet" if given else "$VELORA_FLEET"
            if named.is_dir():
                raise FleetFileError(
                    f"{named} is a folder (from {source})", hint=f"name the file, as {named}/{FLEET_FILE_NAME}"
                )
            raise FleetFileError(f"{named}: no such fleet file (from {source})", hint="name an existing file")
        return named
    places = (Path(FLEET_FILE_NAME), platformdirs.user_config_path(APP_NAME) / FLEET_FILE_NAME)
    return next((place for place in places if place.is_file()), None)


def state_folder(given: Path | None, fleet: Fleet | None, environment: Mapping[str, str] = os.environ) -> Path:
    """Return the folder of journal and logs: `given`, $VELORA_STATE, the fleet file's, or the user's state folder."""
    if given:
        return given
    if environment.get("VELORA_STATE"):
        return Path(environment["VELORA_STATE"])
    if fleet and fleet.fleet.state:
        return fleet.fleet.state
    return platformdirs.user_state_path(APP_NAME)


def load_fleet(path: Path) -> Fleet:
    """Read the fleet file at `path`; relative paths in it start at its folder. Raises FleetFileError."""
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise FleetFileError(f"{path}: cannot be read: {error}", hint="it must be a UTF-8 text file") from None
    try:
        document = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise FleetFileError(f"{path}: not TOML: {error}", hint="mend the line it names") from None
    try:
        fleet = Fleet.model_validate(document)
    except ValidationError as error:
        # A mistyped key comes first: the key that it was meant for is then missing, too.
        raise _explained(path, text, min(error.errors(), key=lambda one: one["type"] != "extra_forbidden")) from None
    return _with_absolute_paths(fleet, path.absolute().parent)


def _explained(path: Path, text: str, detail: ErrorDetails) -> FleetFileError:
    location = tuple(part for part in detail["loc"] if part != "[key]")
    line = line_of(text, location)
    key = ".".join(str(part) for part in location) or "fleet"
    if detail["type"] == "extra_forbidden":
        near = get_close_matches(str(location[-1]), _known_keys(location[:-1]), n=1)
        return FleetFileError(
            f"{path}, line {line}: unknown key {key}", hint=f"did you mean {near[0]}?" if near else "remove it"
        )
    expected = detail["msg"].removeprefix("Value error, ")
    return FleetFileError(f"{path}, line {line}: {key}: {expected[0].lower()}{expected[1:]}", hint="mend this key")


def _known_keys(location: tuple[int | str, ...]) -> list[str]:
    known: dict[str, type[Section]] = {
        "fleet": sections.FleetSection,
        "defaults": sections.Defaults,
        "s3": sections.S3Settings,
        "models": sections.Model,
        "agents": sections.Agent,
        "critical_files": sections.CriticalFile,
        "checks": sections.OwnCheck,
        "instances": sections.Instance,
    }
    section = known.get(str(location[0]), Fleet) if location else Fleet
    return list(section.model_fields)


def line_of(text: str, location: tuple[int | str, ...]) -> int:
    """Return the 1-based line of the key at `location` (as in ("instances", 2, "port")) or of its table's header."""
    header, key, nth = _header(location)
    table_line, seen = 1, -1
    for number, line in enumerate(text.splitlines(), start=1):
        stripped = line.strip()
        if stripped.startswith("["):
            matches = re.sub(r"[\s\"']", "", stripped.split("#")[0]) == header
            seen += matches
            inside = matches and seen == nth
            table_line = number if inside else table_line
            if table_line != 1 and not inside:
                break
        elif table_line != 1 and key and re.match(rf"[\"']?{re.escape(key)}[\"']?\s*[.=]", stripped):
            return number
    return table_line


def _header(location: tuple[int | str, ...]) -> tuple[str, str | None, int]:
    """Return the table header that holds `location`, its key in that table, and which of equal headers it is."""
    names = [part for part in location if isinstance(part, str)]
    if len(location) > 1 and isinstance(location[1], int):
        return f"[[{names[0]}]]", names[1] if len(names) > 1 else None, location[1]
    if names and names[0] in {"models", "agents"} and len(names) > 1:
        return f"[{names[0]}.{names[1]}]", names[2] if len(names) > 2 else None, 0
    return f"[{names[0]}]" if names else "", names[1] if len(names) > 1 else None, 0


def _with_absolute_paths(fleet: Fleet, folder: Path) -> Fleet:
    fields = ("identity_file", "ssh_config", "known_hosts", "home")
    return fleet.model_copy(
        update={
            "fleet": _absolute(fleet.fleet, folder, "results", "state"),
            "defaults": _absolute(fleet.defaults, folder, "ssh_config", "known_hosts"),
            "instances": tuple(_absolute(instance, folder, *fields) for instance in fleet.instances),
            "critical_files": tuple(_absolute(file, folder, "source") for file in fleet.critical_files),
        }
    )


def _absolute(section: SectionType, folder: Path, *fields: str) -> SectionType:
    """Return `section` with the paths in `fields` starting at `folder`."""
    paths = {field: getattr(section, field) for field in fields}
    return section.model_copy(update={field: folder / path.expanduser() for field, path in paths.items() if path})
