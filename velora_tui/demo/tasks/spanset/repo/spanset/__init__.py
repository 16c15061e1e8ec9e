"""Sets of half-open integer spans."""

from spanset.parsing import parse
from spanset.spans import SpanSet

__all__ = ["SpanSet", "parse"]
