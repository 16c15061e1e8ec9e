"""What a layer drags in when it is imported alone: commands start quickly, and the engine needs no screen."""

from __future__ import annotations

import subprocess
import sys

import pytest

LOOK = "import sys, {module}; print(*[name for name in {heavy!r} if name in sys.modules])"


def dragged_in(module: str, heavy: tuple[str, ...]) -> list[str]:
    """Return which of `heavy` are loaded after `module` was imported in a fresh interpreter."""
    code = LOOK.format(module=module, heavy=heavy)
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60)
    return found.stdout.split()


@pytest.mark.parametrize(
    "layer",
    [
        "domain.run",
        "hosts.ssh",
        "grading.grade",
        "store.journal",
        "view.fleet_rows",
        "pipeline.recipes",
        "engine.engine",
    ],
)
def test_no_layer_below_the_screens_needs_textual(layer: str) -> None:
    assert dragged_in(f"velora_tui.{layer}", ("textual",)) == []


@pytest.mark.parametrize("module", ["velora_tui.engine.engine", "velora_tui.ui.app", "velora_tui.cli"])
def test_slow_libraries_wait_for_their_first_use(module: str) -> None:
    assert dragged_in(module, ("aioboto3", "botocore", "aiodocker", "moto")) == []


def test_a_command_that_asks_nobody_starts_without_the_screen() -> None:
    assert dragged_in("velora_tui.cli", ("textual",)) == []


@pytest.mark.parametrize("package", ["domain", "grading"])
def test_pure_layers_neither_wait_nor_connect(package: str) -> None:
    modules = {"domain": "velora_tui.domain.snapshot", "grading": "velora_tui.grading.grade"}
    assert dragged_in(modules[package], ("asyncio", "sqlite3", "asyncssh")) == []
