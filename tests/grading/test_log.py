"""Raw bytes become clean lines with their numbers and offsets."""

from __future__ import annotations

import time
import tracemalloc

import pytest
from hypothesis import given
from hypothesis import strategies as st

from velora_tui.grading.log import LINE_LIMIT_BYTES, LogLines


def texts(log: bytes) -> list[str]:
    return [text for _, _, text in LogLines(log)]


def test_numbers_and_byte_offsets_count_the_raw_log() -> None:
    log = "é\r\n\x1b[32mgreen\x1b[0m\nlast".encode()

    assert list(LogLines(log)) == [(1, 0, "é"), (2, 4, "green"), (3, 19, "last")]


@pytest.mark.parametrize(
    "coloured",
    [
        "\x1b[1;32mPASSED\x1b[0m",
        "\x1b[38;5;196mPASSED\x1b[m",
        "\x1b]0;window title\x07PASSED",
        "\x1b]8;;https://x\x1b\\PASSED\x1b]8;;\x1b\\",
        "\x1b[2K\x1b[1GPASSED\x1b(B",
        "\x1bP1$r0m\x1b\\PASSED",
        "\x9b32mPASSED",
        "\x00PA\x08SSED\x07",
        "PASSED\x1b[",
    ],
)
def test_terminal_sequences_are_removed(coloured: str) -> None:
    assert texts(coloured.encode()) == ["PASSED"]


def test_a_lone_carriage_return_ends_a_line_under_the_same_number() -> None:
    assert list(LogLines(b"10%\r20%\rdone\r\nnext\n")) == [
        (1, 0, "10%"),
        (1, 0, "20%"),
        (1, 0, "done"),
        (2, 14, "next"),
    ]


def test_bytes_that_are_not_utf8_are_replaced() -> None:
    assert texts(b"a\xff\xfeb\n") == ["a\ufffd\ufffdb"]


def test_an_unterminated_last_line_is_told() -> None:
    whole, cut = LogLines(b"a\nb\n"), LogLines(b"a\nb")
    assert [len(list(whole)), len(list(cut))] == [2, 2]

    assert (whole.terminated, whole.count) == (True, 2)
    assert (cut.terminated, cut.count) == (False, 2)


@given(st.binary(max_size=400), st.integers(1, 40))
def test_chunks_change_nothing(log: bytes, size: int) -> None:
    chunks = [log[start : start + size] for start in range(0, len(log), size)]

    assert list(LogLines(chunks)) == list(LogLines(log))


@given(st.binary(max_size=400))
def test_offsets_find_the_line_in_the_log(log: bytes) -> None:
    raw = log.split(b"\n")
    for number, offset, _ in LogLines(log):
        assert offset == sum(len(line) + 1 for line in raw[: number - 1])


def test_a_long_log_needs_little_memory() -> None:
    def chunks() -> object:
        for _ in range(200):
            yield b"tests/test_a.py::test_x PASSED\n" * 4000

    tracemalloc.start()
    count = sum(1 for _ in LogLines(chunks()))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()

    assert count == 800_000
    assert peak < 12 * 1024 * 1024


def test_a_line_beyond_the_limit_comes_in_pieces() -> None:
    log = LogLines([b"x" * 1024 * 1024] * (LINE_LIMIT_BYTES // 1024 // 1024 + 3) + [b"\nend\n"])

    lines = list(log)

    assert {number for number, _, _ in lines[:-1]} == {1}
    assert lines[-1][0] == 2
    assert sum(len(text) for _, _, text in lines[:-1]) == LINE_LIMIT_BYTES + 3 * 1024 * 1024


def test_hostile_escapes_take_linear_time() -> None:
    started = time.process_time()
    for piece in (b"\x1b]", b"\x1b[", b"\x1bP", b"\x1b", b"\r", b"\x1b[1;"):
        list(LogLines(piece * 300_000))

    assert time.process_time() - started < 20
