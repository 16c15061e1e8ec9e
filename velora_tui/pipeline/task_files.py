"""A task as the files that instances work with."""

from __future__ import annotations

import json
from typing import Any

from velora_tui.domain.task import Task


def dataset_record(task: Task, *, only_given: bool = False) -> dict[str, Any]:
    """Return `task` with the dataset's field names; `test_patch` and `test_patches` are both there.

    `only_given` leaves out the optional fields that the dataset did not have.
    """
    # Some read the lists as JSON, some as Python: both know plain characters, but not each other's escapes.
    record = task.model_dump(mode="json", exclude={"fail_to_pass", "pass_to_pass"}, exclude_unset=only_given)
    return {
        **record,
        "FAIL_TO_PASS": json.dumps(task.fail_to_pass, ensure_ascii=False),
        "PASS_TO_PASS": json.dumps(task.pass_to_pass, ensure_ascii=False),
        "test_patch": "\n".join(task.test_patches),
    }
