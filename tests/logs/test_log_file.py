"""LogFile against the plain truth: `bytes.split`."""

from __future__ import annotations

import re
import threading
import time
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from velora_tui.errors import UsageError
from velora_tui.store import log_index
from velora_tui.store.log_file import LogFile


def opened(path: Path, data: bytes) -> LogFile:
    path.write_bytes(data)
    log = LogFile(path)
    log.refresh()
    return log


def expected_lines(data: bytes) -> list[bytes]:
    lines = data.split(b"\n")
    return lines[:-1] if not lines[-1] else lines


def hits(log: LogFile, pattern: str, start: int = 1) -> list[int]:
    return [number for batch in log.search(pattern, start) for number in batch.lines]


PATTERNS = ["a", "ab", "a.b", "b a", "^a", "b$", "(a|b)b"]
pieces = st.lists(
    st.one_of(
        st.binary(max_size=40),
        st.sampled_from([b"\n", b"\n\n\n", b"line\n", b"x" * 90, b"x" * 700, b"short\nlonger line\n"]),
    ),
    max_size=40,
)


@settings(max_examples=150, deadline=None)
@given(appends=st.lists(pieces, min_size=1, max_size=4), start=st.integers(1, 60), count=st.integers(0, 30))
def test_every_line_at_every_growth_is_the_one_split_gives(tmp_path_factory, appends, start, count):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(log_index, "BLOCK_BYTES", 64)
        patch.setattr(log_index, "_LONGEST_STRETCH_BYTES", 3 * 64)
        path = tmp_path_factory.mktemp("log") / "phase.log"
        path.touch()
        log, data = LogFile(path), b""
        for parts in appends:
            data += b"".join(parts)
            path.write_bytes(data)
            log.refresh()
            truth = expected_lines(data)
            assert log.size == len(data)
            assert log.line_count == len(truth)
            assert [line.data for line in log.lines(start, count)] == truth[start - 1 : start - 1 + count]
            assert [line.data for line in log.lines(1, len(truth) + 5)] == truth
            for line in log.lines(1, len(truth)):
                assert log.offset_of(line.number) == line.offset
                assert log.line_at(line.offset) == line.number
                assert data[line.offset : line.offset + line.length] == line.data


def test_a_missing_file_is_an_empty_log_until_it_appears(tmp_path):
    log = LogFile(tmp_path / "phase.log")
    assert not log.refresh()
    assert (log.exists, log.line_count, log.lines(1, 10)) == (False, 0, [])
    (tmp_path / "phase.log").write_bytes(b"one\ntwo")
    assert log.refresh()
    assert [line.data for line in log.lines(1, 10)] == [b"one", b"two"]


def test_the_unfinished_last_line_grows_in_place(tmp_path):
    log = opened(tmp_path / "a.log", b"one\ntw")
    with (tmp_path / "a.log").open("ab") as file:
        file.write(b"o\nthree")
    assert log.refresh()
    assert [(line.number, line.data) for line in log.lines(2, 5)] == [(2, b"two"), (3, b"three")]
    assert not log.refresh()


@pytest.mark.parametrize(
    "text", [b"new\n", b"a very different text, longer than the old one\n" * 9], ids=["shorter", "longer"]
)
def test_a_replaced_text_is_read_anew(tmp_path, text):
    log = opened(tmp_path / "a.log", b"one\ntwo\nthree\n")
    (tmp_path / "a.log").write_bytes(text)
    assert log.refresh()
    assert log.generation == 1
    assert log.lines(1, 1)[0].data == text.split(b"\n")[0]


def test_a_renamed_in_file_is_read_anew(tmp_path):
    log = opened(tmp_path / "a.log", b"one\ntwo\n")
    (tmp_path / "b.log").write_bytes(b"one\ntwo\nother\n")
    (tmp_path / "b.log").rename(tmp_path / "a.log")
    assert log.refresh()
    assert log.generation == 1
    assert log.line_count == 3


def test_a_removed_file_becomes_an_empty_log(tmp_path):
    log = opened(tmp_path / "a.log", b"one\n")
    (tmp_path / "a.log").unlink()
    assert log.refresh()
    assert log.line_count == 0


def test_a_long_line_is_cut_and_paging_past_it_reads_little(tmp_path, monkeypatch):
    long = b"y" * 20_000_000
    log = opened(tmp_path / "a.log", b"before\n" * 10 + long + b"\n" + b"after\n" * 10)
    read = []
    pread = log_index.os.pread
    monkeypatch.setattr(log_index.os, "pread", lambda fd, size, at: read.append(size) or pread(fd, size, at))
    lines = log.lines(9, 6, max_line_bytes=1000)
    assert [line.length for line in lines] == [6, 6, len(long), 5, 5, 5]
    assert lines[2].is_cut
    assert len(lines[2].data) == 1000
    assert sum(read) < 1_000_000


def test_of_a_long_redrawn_line_the_last_states_are_kept(tmp_path):
    states = b"".join(b"\r%3d %% of the image" % percent for percent in range(101)) * 50
    log = opened(tmp_path / "a.log", states + b"\nnext\n")
    line = log.lines(1, 1, max_line_bytes=200)[0]
    assert line.data.endswith(b"100 % of the image")
    assert len(line.data) < 200


def test_refresh_can_go_in_steps(tmp_path):
    path = tmp_path / "a.log"
    path.write_bytes(b"0123456789\n" * 1000)
    log = LogFile(path)
    assert log.unread_bytes == 11_000
    assert log.refresh(limit_bytes=1100)
    assert (log.line_count, log.unread_bytes) == (100, 9900)
    while log.refresh(limit_bytes=3000):
        pass
    assert log.line_count == 1000


def test_search_finds_each_matching_line_once_with_smart_case(tmp_path):
    log = opened(tmp_path / "a.log", b"Error error\nfine\nERROR\n[error] x\nlast error")
    assert hits(log, "error") == [1, 3, 4, 5]
    assert hits(log, "Error") == [1]
    assert hits(log, r"^\[e.*x$") == [4]
    assert hits(log, "error", start=2) == [3, 4, 5]
    assert hits(log, "") == []


def test_search_sees_words_through_colours_and_foreign_letters(tmp_path):
    log = opened(tmp_path / "a.log", "\x1b[31mFAI\x1b[0mLED tests\nÜber alles\r\nfine\n".encode())
    assert hits(log, "FAILED tests") == [1]
    assert hits(log, "über") == [2]
    assert hits(log, "alles$") == [2]


def test_a_match_never_reaches_over_the_end_of_its_line(tmp_path):
    log = opened(tmp_path / "a.log", b"start of it\nmiddle\nend of it\nstart end\n")
    assert hits(log, r"start[^x]*end") == [4]
    assert hits(log, r"it\s+middle") == []


@settings(max_examples=100, deadline=None)
@given(
    lines=st.lists(st.text("ab \n", max_size=30), max_size=50),
    pattern=st.sampled_from(["a", "ab", "a.b", "b a", "^a", "b$", "(a|b)b"]),
)
def test_search_agrees_with_line_by_line(tmp_path_factory, lines, pattern):
    text = "\n".join(lines)
    path = tmp_path_factory.mktemp("log") / "a.log"
    log = opened(path, text.encode())
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("velora_tui.store.log_search.CHUNK_BYTES", 37)
        found = hits(log, pattern)
    truth = expected_lines(text.encode())
    assert found == [n for n, line in enumerate(truth, 1) if re.search(pattern, line.decode())]


def test_search_in_a_line_longer_than_any_piece(tmp_path):
    log = opened(tmp_path / "a.log", b"x" * 3_000_000 + b"needle" + b"x" * 3_000_000 + b"needle\nneedle\n")
    assert hits(log, "needle") == [1, 2]


@pytest.mark.parametrize("pattern", ["(", "a{2,1}", "x" * 2000, "*"])
def test_a_wrong_pattern_is_said_at_once(tmp_path, pattern):
    log = opened(tmp_path / "a.log", b"text\n")
    with pytest.raises(UsageError, match=r"not a regular expression|too long"):
        log.search(pattern)


@pytest.mark.parametrize("pattern", ["(a+)+$", "(a*)*b", r"((\w+)\s?)*x", "(a{2,})+b", "(?:x|[ab]+)+", r"(\d+,)+"])
def test_a_pattern_that_could_take_for_ever_is_refused(tmp_path, pattern):
    log = opened(tmp_path / "a.log", b"a" * 5000 + b"\n")
    with pytest.raises(UsageError, match="repeats a group"):
        log.search(pattern)


@pytest.mark.parametrize(
    "pattern", ["(ab)+", "a+b*", r"(FAILED|ERROR)", r"\(a+\)+", "[(+]+", r"(\d+)\s(\w+)", "(?:a+)b"]
)
def test_harmless_groups_are_not_refused(tmp_path, pattern):
    assert list(opened(tmp_path / "a.log", b"text\n").search(pattern))


def test_a_costly_pattern_on_a_hostile_line_ends_soon(tmp_path):
    log = opened(tmp_path / "a.log", b"a" * 2_000_000 + b"\n" + b"ab\n")
    began = time.process_time()
    assert hits(log, ".*a.*b$") == [2]
    assert time.process_time() - began < 10


def test_lines_can_be_read_and_searched_while_the_log_grows(tmp_path):
    path = tmp_path / "a.log"
    log = opened(path, b"")
    wrong: list[str] = []
    done = threading.Event()

    def read() -> None:
        while not done.is_set():
            last = log.line_count
            for line in log.lines(max(1, last - 50), 51):
                if line.data != b"line %d" % line.number:
                    wrong.append(f"{line.number}: {line.data!r}")
            list(log.search("line 77"))

    reader = threading.Thread(target=read)
    reader.start()
    with path.open("ab") as file:
        for start in range(0, 60_000, 500):
            file.write(b"".join(b"line %d\n" % number for number in range(start + 1, start + 501)))
            file.flush()
            log.refresh()
    done.set()
    reader.join(10)
    assert wrong == []
    assert log.line_count == 60_000
