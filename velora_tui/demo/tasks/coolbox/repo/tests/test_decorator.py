from coolbox import cooled


def test_results_are_remembered(clock):
    calls = []

    @cooled(capacity=4, ttl_seconds=5, clock=clock)
    def double(x):
        calls.append(x)
        return 2 * x

    assert [double(2), double(2), double(3)] == [4, 4, 6]
    assert calls == [2, 3]


def test_results_grow_old(clock):
    calls = []

    @cooled(ttl_seconds=5, clock=clock)
    def now():
        calls.append(clock.now)
        return clock.now

    now()
    clock.advance(6)
    assert now() == 1006.0
    assert len(calls) == 2


def test_keyword_order_does_not_matter(clock):
    @cooled(clock=clock)
    def pair(**kwargs):
        return object()

    assert pair(a=1, b=2) is pair(b=2, a=1)
