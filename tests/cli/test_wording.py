"""One thing is not many, and what is named wrongly is said to be what it is."""

from __future__ import annotations

import pytest

from tests.cli.conftest import Desk
from velora_tui.view.text import counted


@pytest.mark.parametrize(("number", "words"), [(0, "0 copies"), (1, "1 copy"), (2, "2 copies"), (1240, "1,240 copies")])
def test_one_is_not_many(number: int, words: str) -> None:
    assert counted(number, "copy", "copies") == words
    assert counted(number, "run") == words.replace("copies", "runs").replace("copy", "run")


def test_a_single_instance_is_one(desk: Desk) -> None:
    assert "1 instance" in desk("status").out.splitlines()[0]
    assert "1 instances" not in desk("status").out


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("export", "--format", "foo"), "Invalid value for '--format': 'foo' is not one of 'csv', "),
        (("status", "--fleet", "empty"), "empty is a folder (from --fleet) — name the file, as empty/velora.toml"),
        (("status", "--state", "task.jsonl"), "the state folder task.jsonl is a file, not a folder — name another"),
        (("results", "--state", "task.jsonl"), "the state folder task.jsonl is a file, not a folder — name another"),
    ],
)
def test_what_is_named_wrongly_is_said_in_one_line(desk: Desk, arguments: tuple[str, ...], words: str) -> None:
    (desk.folder / "empty").mkdir()

    answer = desk(*arguments)

    assert (answer.status, answer.out) == (2, "")
    assert words in answer.complaint


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("import", "empty"), "empty: there is no finished run in it: name the folders the harness writes"),
        (("validate", "empty"), "there is no task and no run in empty — name dataset files, or folders"),
        (("results", "empty"), "there is no result of Velora's in empty — `velora import` takes in others"),
        (("regrade", "empty"), "there is no finished run to grade — `velora import` takes some in"),
    ],
)
def test_an_empty_folder_is_named_with_the_next_step(desk: Desk, arguments: tuple[str, ...], words: str) -> None:
    (desk.folder / "empty").mkdir()

    assert words in desk(*arguments).err
