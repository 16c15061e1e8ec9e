"""Which errors of an agent are the model's own doing, which trying again would only repeat."""

from __future__ import annotations

_OWN_DOING = ("reached maximum iteration", "AgentStuckInLoop", "stuck in a loop", "maximum budget")


def is_own_doing(error: str) -> bool:
    """Tell whether the `error` of an output.jsonl is an ordinary end of a run and no failure of it."""
    return any(known in error for known in _OWN_DOING)
