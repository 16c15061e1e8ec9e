"""A small reader for configuration files."""

from tomlette.errors import ConfigError
from tomlette.reader import loads

__all__ = ["ConfigError", "loads"]
