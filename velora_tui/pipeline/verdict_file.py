"""What the report phase found, kept on our side until validate makes the result of it."""

from __future__ import annotations

from pathlib import Path

from pydantic import BaseModel, ConfigDict, ValidationError

from velora_tui.domain.report import Flag, Verdict
from velora_tui.domain.result import HarnessVerdict, verdicts_differ
from velora_tui.errors import StoreError
from velora_tui.store.files import read_limited, write_atomically

_NAME = "verdict.json"
_LIMIT = 256 * 1024 * 1024


class StoredVerdict(BaseModel):
    """The verdict, and the facts about the trajectory that quality is judged by. `verdict` None: no patch.

    `tree` is the output tree's folder on the instance where that is not the attempt's own.
    """

    model_config = ConfigDict(frozen=True)

    verdict: Verdict | None
    patch_bytes: int
    test_output_bytes: int | None
    history: int
    cost: float | None
    error: str | None
    harness: HarnessVerdict | None = None
    flags: tuple[Flag, ...] = ()
    tree: str | None = None

    @property
    def verdicts_differ(self) -> bool:
        """Whether the users' harness counts the run otherwise than we."""
        return verdicts_differ(self.harness, self.verdict)


def save_verdict(folder: Path, stored: StoredVerdict) -> None:
    """Keep `stored` in the attempt's work folder. Blocks; raises StoreError."""
    write_atomically(folder / _NAME, stored.model_dump_json().encode())


def load_verdict(folder: Path) -> StoredVerdict:
    """Read what `save_verdict` kept. Blocks; raises StoreError."""
    try:
        return StoredVerdict.model_validate_json(read_limited(folder / _NAME, _LIMIT))
    except ValidationError as error:
        raise StoreError(f"{folder / _NAME} is damaged: {error.errors()[0]['msg']}", hint="retry the run") from None
