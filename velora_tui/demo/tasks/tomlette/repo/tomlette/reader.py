"""Lines into sections."""

import re

from tomlette.errors import ConfigError
from tomlette.values import read_value

_SECTION = re.compile(r"\[([A-Za-z0-9_.-]+)\]")
_KEY = re.compile(r"[A-Za-z0-9_-]+")


def loads(text):
    """Return the sections of `text` as a dictionary of dictionaries."""
    sections = {}
    current = None
    for number, raw in enumerate(text.splitlines(), start=1):
        line = strip_comment(raw).strip()
        if not line:
            continue
        match = _SECTION.fullmatch(line)
        if match:
            name = match.group(1)
            if name in sections:
                raise ConfigError(f"section {name!r} occurs twice", number)
            current = sections[name] = {}
            continue
        if current is None:
            raise ConfigError("a key before the first section", number)
        key, value = _read_pair(line, number)
        if key in current:
            raise ConfigError(f"key {key!r} occurs twice", number)
        current[key] = value
    return sections


def strip_comment(line):
    """Return `line` without its comment."""
    return line.split("#", 1)[0]


def _read_pair(line, number):
    key, equals, value = line.partition("=")
    key = key.strip()
    if not equals or not _KEY.fullmatch(key):
        raise ConfigError("expected: key = value", number)
    try:
        return key, read_value(value.strip())
    except ValueError as error:
        raise ConfigError(str(error), number) from None
