import pytest

from spanset import SpanSet


def test_empty_set_has_no_size():
    assert SpanSet().size() == 0
    assert len(SpanSet()) == 0


def test_spans_are_sorted():
    assert list(SpanSet([(7, 9), (1, 3)])) == [(1, 3), (7, 9)]


def test_overlapping_spans_are_merged():
    assert list(SpanSet([(1, 5), (3, 8)])) == [(1, 8)]


def test_empty_spans_are_dropped():
    assert list(SpanSet([(4, 4), (6, 7)])) == [(6, 7)]


def test_backward_span_is_refused():
    with pytest.raises(ValueError, match="ends before it starts"):
        SpanSet([(5, 2)])


@pytest.mark.parametrize(("point", "inside"), [(1, True), (2, True), (3, False), (0, False)])
def test_contains_is_half_open(point, inside):
    assert (point in SpanSet([(1, 3)])) is inside


def test_gaps_lie_between_spans():
    assert SpanSet([(1, 3), (5, 6), (9, 12)]).gaps() == [(3, 5), (6, 9)]


def test_intersection():
    assert SpanSet([(0, 10)]) & SpanSet([(2, 3), (8, 12)]) == SpanSet([(2, 3), (8, 10)])


def test_subtraction_cuts_a_hole():
    assert SpanSet([(0, 10)]) - SpanSet([(4, 6)]) == SpanSet([(0, 4), (6, 10)])


def test_subtraction_of_the_whole_leaves_nothing():
    assert SpanSet([(3, 5)]) - SpanSet([(0, 9)]) == SpanSet()


def test_equal_sets_have_equal_hashes():
    assert hash(SpanSet([(1, 2), (4, 6)])) == hash(SpanSet([(4, 6), (1, 2)]))
