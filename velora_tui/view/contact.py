"""How an instance is reached, in words: connecting again, out of reach, or kept away from by its host key."""

from __future__ import annotations

import re
from datetime import datetime
from typing import NamedTuple

from velora_tui.domain.events import ConnectionChanged, ConnectionState
from velora_tui.domain.readiness import CheckStatus
from velora_tui.domain.snapshot import InstanceSnapshot
from velora_tui.errors import HostKeyChanged, HostKeyUnknown

_FINGERPRINT = re.compile(r"(?:SHA256|MD5):[\w+/=:]+")
_TRY = re.compile(r"try (?P<number>\d+)(?: (?:now|in (?P<seconds>\d+) s))?(?:: (?P<why>.*))?", re.DOTALL)
_REFUSALS = {
    HostKeyUnknown.title: False,
    HostKeyChanged.title: True,
}
_CONNECTION_REFUSALS = (("is not the known one", True), ("is not known: ", False))
_SSH = "ssh"


class KeyTrouble(NamedTuple):
    """A host key that keeps us from an instance: new, or (`is_changed`) another than the known one."""

    is_changed: bool
    offered: str
    known: str


def key_trouble(row: InstanceSnapshot) -> KeyTrouble | None:
    """Return what is wrong with the instance's host key by what was heard of it last, or None."""
    connection, readiness = row.connection, row.readiness
    if connection.state is ConnectionState.UNREACHABLE and (told := _told_by_connection(connection.detail)):
        return told
    if readiness is None or (connection.state is ConnectionState.CONNECTED and connection.at > readiness.at):
        return None
    ssh = next((check for check in readiness.checks if check.id == _SSH and check.status is CheckStatus.FAIL), None)
    title, _, words = ssh.detail.partition(": ") if ssh else ("", "", "")
    return _trouble(words, is_changed=_REFUSALS[title]) if title in _REFUSALS else None


def _told_by_connection(detail: str) -> KeyTrouble | None:
    if not detail.startswith("the host key of "):
        return None
    changed = next((is_changed for words, is_changed in _CONNECTION_REFUSALS if words in detail), None)
    return None if changed is None else _trouble(detail, is_changed=changed)


def _trouble(words: str, *, is_changed: bool) -> KeyTrouble:
    offered, _, known = words.partition(", known ")
    first = _FINGERPRINT.search(offered)
    return KeyTrouble(is_changed, first[0] if first else "", ", ".join(_FINGERPRINT.findall(known)))


class Outage(NamedTuple):
    """A connection that is being made again: which try it is and when, and why the last one failed."""

    tries: str
    why: str


def reconnecting(connection: ConnectionChanged, at: datetime) -> Outage:
    """Return ("3rd try, in 8 s", why) as it stands at `at`; no try is known of a connection that just broke."""
    told = _TRY.fullmatch(connection.detail)
    if told is None:
        return Outage("", connection.detail)
    left = int(told["seconds"] or 0) - int((at - connection.at).total_seconds())
    when = f", in {left} s" if left > 0 else ""
    return Outage(f"{ordinal(int(told['number']))} try{when}", told["why"] or "")


def ordinal(number: int) -> str:
    """Return 3 as "3rd"."""
    ending = "th" if 10 <= number % 100 <= 20 else {1: "st", 2: "nd", 3: "rd"}.get(number % 10, "th")
    return f"{number}{ending}"
