"""The set itself."""


def _normal(spans):
    """Return the spans sorted and merged; empty spans are dropped."""
    merged = []
    for start, end in sorted(spans):
        if start > end:
            raise ValueError(f"span ends before it starts: {start}-{end}")
        if start == end:
            continue
        if merged and start < merged[-1][1]:
            merged[-1] = (merged[-1][0], end)
        else:
            merged.append((start, end))
    return merged


class SpanSet:
    """A set of integers, held as half-open spans in normal form."""

    def __init__(self, spans=()):
        self._spans = _normal(spans)

    def __iter__(self):
        return iter(self._spans)

    def __len__(self):
        return len(self._spans)

    def __eq__(self, other):
        if not isinstance(other, SpanSet):
            return NotImplemented
        return self._spans == other._spans

    def __hash__(self):
        return hash(tuple(self._spans))

    def __contains__(self, point):
        return any(start <= point < end for start, end in self._spans)

    def __repr__(self):
        return f"SpanSet({self._spans!r})"

    def __str__(self):
        return ",".join(f"{start}-{end}" for start, end in self._spans)

    def size(self):
        """Return how many integers are in the set."""
        return sum(end - start for start, end in self._spans)

    def gaps(self):
        """Return the spans between the first start and the last end that are not in the set."""
        pairs = zip(self._spans, self._spans[1:])
        return [(left[1], right[0]) for left, right in pairs]

    def __or__(self, other):
        return SpanSet([*self._spans, *other])

    def __and__(self, other):
        common = []
        for start, end in self._spans:
            for other_start, other_end in other:
                low, high = max(start, other_start), min(end, other_end)
                if low < high:
                    common.append((low, high))
        return SpanSet(common)

    def __sub__(self, other):
        left = list(self._spans)
        for hole_start, hole_end in other:
            left = [piece for span in left for piece in _cut(span, hole_start, hole_end)]
        return SpanSet(left)


def _cut(span, hole_start, hole_end):
    """Return what is left of `span` without the hole: no, one or two pieces."""
    start, end = span
    if hole_end <= start or hole_start >= end:
        return [span]
    if hole_start <= start:
        return []
    pieces = [(start, hole_start)]
    if hole_end < end:
        pieces.append((hole_end, end))
    return pieces
