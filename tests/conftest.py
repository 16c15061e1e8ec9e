"""What holds for every test: nothing of this machine's own configuration leaks in, and CI skips nothing."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Generator
from pathlib import Path

import pytest

_OURS = ("VELORA_", "AWS_", "SSH_", "XDG_", "GIT_")
_THEIRS = ("NO_COLOR", "FORCE_COLOR", "COLORFGBG", "EDITOR", "PAGER", "VISUAL")


@pytest.fixture(scope="session", autouse=True)
def empty_home(tmp_path_factory: pytest.TempPathFactory) -> Generator[Path]:
    """Give the whole session an empty home and none of the user's variables."""
    home = tmp_path_factory.mktemp("home")
    with pytest.MonkeyPatch.context() as patch:
        for name in list(os.environ):
            if name.startswith(_OURS) or name in _THEIRS:
                patch.delenv(name)
        patch.setenv("HOME", str(home))
        yield home


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with the files that take longest: a worker that meets one last keeps all others waiting."""
    limits: dict[Path, float] = {}
    for item in items:
        limit = item.get_closest_marker("timeout")
        limits[item.path] = max(limits.get(item.path, 0.0), float(limit.args[0]) if limit else 0.0)
    items.sort(key=lambda item: -limits[item.path])


@pytest.fixture
def machine_alone() -> None:
    """Keep the tests of other workers waiting: what this one starts would make their instances look busy."""


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_protocol(item: pytest.Item) -> Generator[None, object, object]:
    """Have the machine to itself for a test that asks for it; while it waits, its time limit does not run."""
    if "PYTEST_XDIST_WORKER" not in os.environ:
        return (yield)
    alone = "machine_alone" in getattr(item, "fixturenames", ())
    with Path(__file__).open() as lock:
        fcntl.flock(lock, fcntl.LOCK_EX if alone else fcntl.LOCK_SH)
        return (yield)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """In CI a skipped test is a failed one: there everything can be installed."""
    report = yield
    if report.skipped and not hasattr(report, "wasxfail") and os.environ.get("CI") == "true":
        reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else report.longrepr
        report.outcome = "failed"
        report.longrepr = f"nothing may be skipped in CI: {reason}"
    return report
