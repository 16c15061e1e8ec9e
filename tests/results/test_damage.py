"""Whatever the files of a run hold, an import goes on, changes nothing and blames no bug of its own."""

from __future__ import annotations

import json
import tempfile
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.results.trees import Finished, january
from velora_tui.pipeline.imported.workers import read_chunk
from velora_tui.store.records import read_records
from velora_tui.store.trees import find_runs

JUNK = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    st.text(max_size=20),
    st.lists(st.integers(), max_size=3),
    st.dictionaries(st.text(max_size=5), st.none() | st.integers(), max_size=3),
    st.just("['cut off in the mid"),
    st.just("\ud800"),
)
RELAXED = settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])


def places(document: Any, path: tuple[str | int, ...] = ()) -> list[tuple[str | int, ...]]:
    """Return the path of everything in a JSON document."""
    entries = (
        document.items() if isinstance(document, dict) else enumerate(document) if isinstance(document, list) else ()
    )
    return [path, *(place for key, value in entries for place in places(value, (*path, key)))]


def replaced(document: Any, path: tuple[str | int, ...], value: Any) -> Any:
    """Return the document with another value at `path`."""
    if not path:
        return value
    changed = dict(document) if isinstance(document, dict) else list(document)
    changed[path[0]] = replaced(document[path[0]], path[1:], value)
    return changed


def problems_of(folder: Path) -> list[str]:
    """Return what an import says of the runs below `folder`."""
    told: list[str] = []
    found = list(find_runs(folder, lambda path, problem: told.append(problem)))
    return told + [problem for reading in read_chunk(found, {}, "", is_own=False) for problem in reading.problems]


@RELAXED
@given(st.data())
def test_any_value_anywhere(data: st.DataObject) -> None:
    finished = Finished(steps=2)
    name = data.draw(st.sampled_from(["eval_pilot2_output.jsonl", "eval_outputs/shop-1/report.json", "metadata.json"]))
    with tempfile.TemporaryDirectory() as folder:
        run = finished.write(january(Path(folder)), without=("output.jsonl",))
        document = json.loads((run / name).read_text())
        path = data.draw(st.sampled_from(places(document)))
        changed = replaced(document, path, data.draw(JUNK))
        (run / name).write_text(json.dumps(changed))

        assert [problem for problem in problems_of(Path(folder)) if problem.startswith("a bug")] == []


@RELAXED
@given(st.data())
def test_any_file_cut_or_scrambled_anywhere(data: st.DataObject) -> None:
    with tempfile.TemporaryDirectory() as folder:
        run = Finished(steps=2).write(january(Path(folder)))
        files = sorted(path for path in run.rglob("*") if path.is_file())
        path = data.draw(st.sampled_from(files))
        content = path.read_bytes()
        place = data.draw(st.integers(0, len(content)))
        path.write_bytes(content[:place] + data.draw(st.binary(max_size=30)))

        assert [problem for problem in problems_of(Path(folder)) if problem.startswith("a bug")] == []


def test_half_a_character_is_read_as_the_sign_for_one(tmp_path: Path) -> None:
    path = tmp_path / "record.json"
    path.write_text(r'{"a": "\ud800", "b": "x\udc00y", "whole": "\ud83d\ude00", "both": "\ud800\ud83d\ude00"}')
    (record,) = read_records(path).objects
    assert record == {"a": "\ufffd", "b": "x\ufffdy", "whole": "\U0001f600", "both": "\ufffd\U0001f600"}
