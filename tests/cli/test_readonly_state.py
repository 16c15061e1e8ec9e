"""A state folder that has no room, or that may only be read."""

from __future__ import annotations

from tests.cli.conftest import Desk
from tests.engine.full_journal import FullJournal


def test_a_run_that_a_full_disk_keeps_from_being_followed_is_let_go(desk: Desk) -> None:
    (desk.folder / "home").mkdir()
    assert desk("status").status == 0
    FullJournal(desk.folder / "state" / "journal.db").refuse("phase_finished")

    answer = desk("run", "--dataset", "task.jsonl", "--model", "llm.gpt", "--recipe", "native", "--force")

    assert answer.status == 5
    assert "is no longer followed: the journal " in answer.err
    assert "cannot be written: database or disk is full" in answer.err
    assert answer.err.splitlines()[-1].startswith("come back with `velora attach`")
