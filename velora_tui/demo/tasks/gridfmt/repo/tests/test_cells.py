import pytest

from gridfmt import clip, pad
from gridfmt.cells import text_of


@pytest.mark.parametrize(("value", "text"), [(None, ""), (3, "3"), (2.5, "2.50"), (True, "True"), ("x", "x")])
def test_text_of(value, text):
    assert text_of(value) == text


@pytest.mark.parametrize(("text", "width", "expected"), [("pear", 4, "pear"), ("pear", 3, "pe…"), ("pear", 1, "…")])
def test_clip(text, width, expected):
    assert clip(text, width) == expected


def test_clip_needs_a_column():
    with pytest.raises(ValueError, match="at least 1"):
        clip("pear", 0)


@pytest.mark.parametrize(("align", "expected"), [("left", "fig  "), ("right", "  fig")])
def test_pad(align, expected):
    assert pad("fig", 5, align) == expected


def test_unknown_alignment_is_refused():
    with pytest.raises(ValueError, match="unknown alignment"):
        pad("fig", 5, "middle")
