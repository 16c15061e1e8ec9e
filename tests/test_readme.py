"""What the README says is so."""

from __future__ import annotations

import re
import sys
import tomllib
from pathlib import Path

import pytest

from tests.readme_keys import README, with_keys
from velora_tui.cli import main
from velora_tui.config import load_fleet

TEXT = README.read_text()


def test_its_keys_are_those_of_the_dashboard() -> None:
    assert with_keys(TEXT) == TEXT, "write them anew: python -m tests.readme_keys"


@pytest.mark.parametrize("picture", re.findall(r"!\[[^\]]*\]\(([^)]+)\)", TEXT))
def test_its_pictures_are_there(picture: str) -> None:
    assert (README.parent / picture).read_text().lstrip().startswith("<svg")


@pytest.mark.parametrize("command", sorted(set(re.findall(r"^velora ([a-z]+)", TEXT, re.MULTILINE))))
def test_its_commands_exist(command: str) -> None:
    with pytest.raises(SystemExit) as ended:
        sys.exit(main([command, "--help"]))
    assert ended.value.code == 0


@pytest.mark.parametrize("example", re.findall(r"```toml\n(.*?)```", TEXT, re.DOTALL))
def test_its_fleet_files_can_be_loaded(example: str, tmp_path: Path) -> None:
    path = tmp_path / "velora.toml"
    path.write_text(example)
    assert tomllib.loads(example)
    assert load_fleet(path).instances


def test_its_two_commands_are_targets_of_make() -> None:
    targets = re.findall(r"^([a-z]+):", (README.parent / "Makefile").read_text(), re.MULTILINE)
    for target in re.findall(r"(?:^    |`)make ([a-z]+)", TEXT, re.MULTILINE):
        assert target in targets
