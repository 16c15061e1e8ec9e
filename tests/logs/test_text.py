from __future__ import annotations

import time
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from velora_tui.view import text

hostile = st.one_of(
    st.binary(max_size=200),
    st.text(max_size=100).map(lambda value: value.encode("utf-8", "surrogatepass")),
    st.lists(
        st.sampled_from(
            [
                b"\x1b[31m",
                b"\x1b]0;title\x07",
                b"\x1b]8;;http://x\x1b\\",
                b"\x1bP1q",
                b"\x9b2J",
                b"\xc2\x9b5n",
                b"\x90",
                b"\x9c",
                b"\x1b",
                b"\x1b[",
                b"\r",
                b"\t",
                b"\x08",
                b"\x7f",
                b"\x00",
                b"abc",
                b"\xe2\x80\xae",
                b"\xef\xb8\x8f",
                b"[/b]",
            ]
        ),
        max_size=30,
    ).map(b"".join),
)


@given(hostile)
def test_a_cleaned_line_holds_nothing_that_acts(data):
    shown = text.clean_line(data)
    assert all(unicodedata.category(character) not in ("Cc", "Cf", "Cs", "Zl", "Zp") for character in shown)


@given(hostile, st.integers(0, 60))
def test_a_cleaned_line_keeps_to_its_width(data, width):
    assert cell_len(text.clean_line(data, width)) <= width


@given(st.text(max_size=100))
def test_foreign_text_is_one_clean_line(value):
    assert text.clean_text(value).isprintable() or not text.clean_text(value)


@pytest.mark.parametrize(
    ("data", "shown"),
    [
        (b"plain\r\n", "plain"),
        (b"tests/t.py::t[param-1] [/b] PASSED", "tests/t.py::t[param-1] [/b] PASSED"),
        (b"\x1b[1;31mFAILED\x1b[0m x", "FAILED x"),
        (b"\x1b]0;title\x07after", "after"),
        (b"\x1b]8;;http://host\x1b\\link\x1b]8;;\x1b\\", "link"),
        (b"\x1bPq#0;2;0;0;0\x1b\\sixel", "sixel"),
        (b"\x9b31mred", "red"),
        ("\x9b31mred".encode(), "red"),
        (b"\x1b(B\x1b=\x1b7kept", "kept"),
        (b"a\x08b\x07c\x7fd", "abcd"),
        (b"\x1b]0;never ended", "0;never ended"),
        (b"10 %\r 50 %\r100 %", "100 %"),
        (b"100 %\r\r\n", "100 %"),
        (b"done\r    ", "done"),
        (b"a\tb", "a       b"),
        (b"caf\xe9 \xff", "caf\ufffd \ufffd"),
        ("grün 漢字 é".encode(), "grün 漢字 é"),
        ("ab\u202ecd\u2066e\u200bf\ufeff".encode(), "abcdef"),
        ("a\u2028b\u00a0c".encode(), "a b c"),
        ("⚠️ !".encode(), "⚠ !"),
        (b"", ""),
    ],
)
def test_what_a_line_shows(data, shown):
    assert text.clean_line(data) == shown


def test_cleaning_stays_linear_on_sequences_that_never_end():
    for start in (b"\x1b]", b"\x1b[", b"\x90", b"\x1b[1;"):
        data = start * (200_000 // len(start))
        began = time.process_time()
        text.clean_line(data)
        assert time.process_time() - began < 1


def test_cut_counts_cells_not_letters():
    assert text.cut("漢字漢字", 5) == "漢字…"
    assert text.cut("hello", 5) == "hello"
    assert text.cut("hello", 4) == "hel…"
    assert text.cut("hello", 1) == "…"
    assert text.cut("hello", 0) == ""


@given(st.text(max_size=30), st.integers(0, 40), st.sampled_from(["left", "right", "center"]))
def test_padded_text_takes_exactly_its_width(value, width, align):
    clean = text.clean_text(value)
    assert cell_len(text.pad(clean, width, align)) == width


def test_padding_aligns():
    assert [text.pad("ab", 5, align) for align in ("left", "right", "center")] == ["ab   ", "   ab", " ab  "]


@pytest.mark.parametrize(
    ("seconds", "clock"), [(0, "0:00"), (7.9, "0:07"), (67, "1:07"), (761, "12:41"), (3723, "1:02:03"), (-4, "0:00")]
)
def test_durations(seconds, clock):
    assert text.duration(seconds) == clock


@pytest.mark.parametrize(
    ("seconds", "said"),
    [(0, "0 s"), (3.9, "3 s"), (59, "59 s"), (240, "4 m"), (7300, "2 h"), (5 * 86_400, "5 d"), (-1, "0 s")],
)
def test_ages(seconds, said):
    assert text.age(seconds) == said


@pytest.mark.parametrize(
    ("size_bytes", "said"),
    [
        (0, "0 B"),
        (512, "512 B"),
        (999, "999 B"),
        (1000, "1.0 KB"),
        (68370, "68 KB"),
        (9960, "10 KB"),
        (999600, "1.0 MB"),
        (2100000000, "2.1 GB"),
        (3200000000000.0, "3.2 TB"),
        (5e18, "5000 PB"),
        (-3, "0 B"),
    ],
)
def test_sizes(size_bytes, said):
    assert text.size(size_bytes) == said


def test_counts():
    assert text.count(1240) == "1,240"
