"""The filter of tables: what each form means."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from velora_tui.errors import UsageError
from velora_tui.view.cells import Row
from velora_tui.view.entries import Entry
from velora_tui.view.filter import doubt, parse_filter

KEYS = ("state", "model", "repo", "phase")
ROWS = {
    "one": Entry(Row("one", {"task": "django/django t[param-1]"}), {"state": "unresolved", "model": "llm.gpt gpt"}),
    "two": Entry(Row("two", {"task": "psf/requests"}), {"state": "resolved", "model": "llm.claude claude"}),
    "three": Entry(
        Row("three", {"task": "12rambau/sepal_ui"}), {"state": "failed", "phase": "image", "repo": "12rambau/sepal_ui"}
    ),
}


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("", ["one", "two", "three"]),
        ("django", ["one"]),
        ("DJANGO gpt", ["one"]),
        ("[param-1]", ["one"]),
        ("!django", ["two", "three"]),
        ("/psf|sepal/", ["two", "three"]),
        ("!/psf|sepal/", ["one"]),
        ("state:resolved", ["two"]),
        ("state:resolved,failed", ["two", "three"]),
        ("!state:failed", ["one", "two"]),
        ("model:gpt", ["one"]),
        ("repo:sepal", ["three"]),
        ("phase:image state:failed", ["three"]),
        ("nonsense:x", []),
        ("/unfinished(", ["one", "two", "three"]),
    ],
)
def test_what_a_filter_shows(text: str, shown: list[str]) -> None:
    wanted = parse_filter(text, KEYS)
    assert [name for name, entry in ROWS.items() if wanted.matches(entry)] == shown


def test_a_wrong_regular_expression_says_so() -> None:
    with pytest.raises(UsageError, match="is not a regular expression"):
        parse_filter("/(/", KEYS)


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("bogus:1", "unknown filter key 'bogus' — there are state, model, repo, phase"),
        ("django !phases:image", "unknown filter key 'phases' — there are state, model, repo, phase"),
        ("/[a", "/[a is no whole /regex/ yet — end it, or drop the slash"),
    ],
)
def test_what_cannot_be_meant_as_typed_is_told(text: str, problem: str) -> None:
    told = doubt(text, KEYS)
    assert told is not None
    assert told.explain() == problem


@pytest.mark.parametrize(
    "text", ["", "/", "state:", "state:failed !model:gpt", "/[a]/", "/psf|sep", "tests/a.py::test 12:30 c:/dir"]
)
def test_what_can_be_meant_is_not_doubted(text: str) -> None:
    assert doubt(text, KEYS) is None


@given(st.text(max_size=60))
def test_no_text_breaks_it(text: str) -> None:
    try:
        shown = parse_filter(text, KEYS).of(ROWS.values())
        doubt(text, KEYS)
    except UsageError:
        return
    assert len(shown) <= len(ROWS)
