"""The files of a complete results tree (SYSTEM.md, "The harness on an instance")."""

from __future__ import annotations

AGENT_FILES = ("output.jsonl", "metadata.json")
"""What the tree of every run must have, and all that the harness leaves of one without a patch."""


def wanted_files(instance_id: str, *, is_evaluated: bool) -> tuple[str, ...]:
    """Return the paths that the tree of a finished run must have; `is_evaluated`: tests ran."""
    evaluation = f"eval_outputs/{instance_id}"
    wanted = (*AGENT_FILES, "eval_pilot2_output.jsonl", f"{evaluation}/report.json")
    return (*wanted, f"{evaluation}/test_output.txt", f"{evaluation}/patch.diff") if is_evaluated else wanted
