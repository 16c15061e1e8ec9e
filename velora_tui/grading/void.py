"""Results that say nothing of their model, brought together by why."""

from __future__ import annotations

from collections.abc import Iterable

from velora_tui.domain.listing import Group, ResultRow
from velora_tui.grading.clusters import normalised


def void_groups(rows: Iterable[ResultRow]) -> list[Group]:
    """Return the imported rows without a valid result, the largest group first; its key is the why of its first row."""
    found: dict[str, list[ResultRow]] = {}
    for row in rows:
        if row.origin == "import" and not row.is_valid:
            found.setdefault(normalised(row.why, (row.task, row.model)), []).append(row)
    groups = (Group(members[0].why, tuple(members)) for members in found.values())
    return sorted(groups, key=lambda group: -len(group.rows))
