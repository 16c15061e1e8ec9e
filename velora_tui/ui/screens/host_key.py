"""What is asked before a machine never met is trusted, and what is said where one has changed its host key."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.widgets import Static

from velora_tui.errors import HostKeyChanged
from velora_tui.ui.content import content_lines
from velora_tui.ui.screens.confirm import Question
from velora_tui.ui.screens.dialog import Dialog, keys_line
from velora_tui.view.cells import Cell, Span
from velora_tui.view.contact import KeyTrouble

if TYPE_CHECKING:
    from velora_tui.hosts.known_hosts import HostKey

_KEY_FILES = {"ssh-ed25519": "ed25519", "ssh-rsa": "rsa", "ssh-dss": "dsa"}
_LABEL_CELLS = 13


def trust_question(key: HostKey, place: str = "") -> Question:
    """Return the question whether to trust `key`; `place` says "2 of 5" where there are several."""
    return Question(
        f"Trust the host key of {key.instance}?{f'   {place}' if place else ''}",
        "trust this key",
        notes=(
            Span(f"{key.instance} was never met from here: nobody vouches yet that this is the machine.", "dim"),
            "",
            _field("host", Span(f"{key.host}  port {key.port}", "strong")),
            _field("algorithm", Span(key.algorithm)),
            _field("fingerprint", Span(key.fingerprint, "look")),
            "",
            Span("Compare it with the machine's own, read there and not over this network:", "dim"),
            Span(f"  ssh-keygen -lf {_key_file(key.algorithm)}", "ours"),
            Span(f"Yes keeps it in {key.known_hosts}", "dim"),
        ),
    )


class ChangedKeyScreen(Dialog[None]):
    """Tells of a changed host key: there is nothing to accept here."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("enter,n,q", "leave", show=False, id="changed-key.leave")]

    def __init__(self, instance: str, trouble: KeyTrouble | None, error: HostKeyChanged) -> None:
        super().__init__(Span(f"THE HOST KEY OF {instance} HAS CHANGED", "bad"), keys_line(("esc", "back")))
        self.add_class("-alarm")
        self._lines = _changed_lines(trouble, error)

    def compose_body(self) -> ComposeResult:
        """Yield what is known, and what to do."""
        yield Static(content_lines(self._lines), classes="dialog-notes", markup=False)


def _changed_lines(trouble: KeyTrouble | None, error: HostKeyChanged) -> list[Cell]:
    return [
        Span("Velora does not connect, whatever one presses here.", "strong"),
        "",
        *(_both_keys(trouble) if trouble is not None and trouble.is_changed else (Span(error.message),)),
        "",
        Span(error.hint or ""),
    ]


def _both_keys(trouble: KeyTrouble) -> tuple[Cell, Cell]:
    return _field("known", Span(trouble.known, "good")), _field("offered", Span(trouble.offered, "bad"))


def _field(label: str, value: Span) -> Cell:
    return Span(f"{label:<{_LABEL_CELLS}}", "dim"), value


def _key_file(algorithm: str) -> str:
    kind = "ecdsa" if algorithm.startswith("ecdsa-") else _KEY_FILES.get(algorithm, "*")
    return f"/etc/ssh/ssh_host_{kind}_key.pub"
