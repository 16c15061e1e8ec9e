"""What is asked of the engine, as plain data."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field

from velora_tui.domain.names import SafeName


class RunRequest(BaseModel):
    """Start one run: `task` is needed where the dataset has several; `instance` None is any that is ready."""

    model_config = ConfigDict(frozen=True)

    dataset: str
    task: str | None = None
    model: SafeName
    run_number: int = Field(default=1, ge=1)
    instance: str | None = None
    recipe: str | None = None
    max_iterations: int | None = Field(default=None, ge=1)
    force: bool = False
    wait: bool = False  # wait in the queue while the instance is busy, instead of being refused
