"""Plain text tables."""

from gridfmt.cells import clip, pad
from gridfmt.tables import table

__all__ = ["clip", "pad", "table"]
