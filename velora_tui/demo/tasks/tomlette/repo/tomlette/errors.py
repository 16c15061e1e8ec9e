"""What can go wrong."""


class ConfigError(ValueError):
    """A line that cannot be read; `line` is its number, from 1."""

    def __init__(self, message, line):
        super().__init__(f"line {line}: {message}")
        self.line = line
