import pytest

from gridfmt import table


@pytest.fixture
def lines():
    """Return a function that formats rows and splits the table into its lines."""

    def format_lines(*args, **kwargs):
        return table(*args, **kwargs).split("\n")

    return format_lines
