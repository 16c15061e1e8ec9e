"""Reading spans from text."""

from spanset.spans import SpanSet


def parse(text):
    """Read `1-4,7-9`; a single number N stands for the span N-(N+1)."""
    spans = []
    for part in text.split(","):
        part = part.strip()
        if not part:
            continue
        start, dash, end = part.partition("-")
        try:
            spans.append((int(start), int(end) if dash else int(start) + 1))
        except ValueError:
            raise ValueError(f"not a span: {part!r}") from None
    return SpanSet(spans)
