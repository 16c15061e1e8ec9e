"""The fleet file: where it is found, how it is read, and errors that name file, line and key."""

from __future__ import annotations

import os
import tomllib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TypeVar

import platformdirs
from pydantic import ValidationError

from velora_tui.domain.fleet import Fleet, Section
from velora_tui.domain.fleet_mistakes import Mistake, mistakes
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
        raise _refusal(path, mistakes(text, document, error.errors())) from None
    return _with_absolute_paths(fleet, path.absolute().parent)


def _refusal(path: Path, found: Sequence[Mistake]) -> FleetFileError:
    """Return the error that tells all mistakes, a line each."""
    first, *others = (
        FleetFileError(f"{path}{f', line {line}' if line else ''}: {words}", hint=hint) for line, words, hint in found
    )
    first.others = tuple(others)
    return first


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
