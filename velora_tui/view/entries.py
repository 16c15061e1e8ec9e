"""A row of a table together with what it is filtered and sorted by."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from velora_tui.view.cells import Row

SortKey = tuple[float, str]


@dataclass(frozen=True, slots=True)
class Entry:
    """`fields` by filter key ("state", "model", …); `order` by column id, smaller first."""

    row: Row
    fields: Mapping[str, str] = field(default_factory=dict)
    order: Mapping[str, SortKey] = field(default_factory=dict)
