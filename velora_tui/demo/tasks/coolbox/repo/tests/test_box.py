import pytest

from coolbox import CoolBox


@pytest.fixture
def box(clock):
    return CoolBox(capacity=2, ttl_seconds=10, clock=clock)


def test_get_returns_what_was_set(box):
    box.set("a", 1)
    assert box.get("a") == 1


def test_default_for_what_is_not_there(box):
    assert box.get("a", "nothing") == "nothing"


@pytest.mark.parametrize("value", [0, "", None, False])
def test_falsy_values_are_values(box, value):
    box.set("a", value)
    assert box.get("a", "nothing") is value


def test_least_recently_used_goes_first(box):
    box.set("a", 1)
    box.set("b", 2)
    box.get("a")
    box.set("c", 3)
    assert box.keys() == ["a", "c"]


def test_old_entries_are_not_returned(box, clock):
    box.set("a", 1)
    clock.advance(10)
    assert box.get("a") is None


def test_counts(box):
    box.set("a", 1)
    box.get("a")
    box.get("b")
    assert (box.hits, box.misses) == (1, 1)


def test_discard_says_whether_it_was_there(box):
    box.set("a", 1)
    assert box.discard("a") is True
    assert box.discard("a") is False


def test_clear_forgets_the_counts(box):
    box.get("a")
    box.clear()
    assert (len(box), box.misses) == (0, 0)


@pytest.mark.parametrize(("capacity", "ttl"), [(0, 1), (-1, 1), (1, 0), (1, -5)])
def test_nonsense_limits_are_refused(capacity, ttl):
    with pytest.raises(ValueError, match="must be"):
        CoolBox(capacity, ttl)
