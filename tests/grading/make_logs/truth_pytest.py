"""A pytest plugin that writes each test's status, from pytest's report objects, to the file $TRUTH."""

import json
import os
from pathlib import Path

ORDER = ("PASSED", "XFAIL", "XPASS", "SKIPPED", "FAILED", "ERROR")


class TruthWriter:
    def __init__(self, target: Path) -> None:
        self.target = target
        self.statuses: dict[str, str] = {}

    def pytest_runtest_logreport(self, report) -> None:
        status = self.status(report)
        before = self.statuses.get(report.nodeid, "PASSED")
        if status is not None:
            self.statuses[report.nodeid] = max(before, status, key=ORDER.index)
            self.target.write_text(json.dumps(self.statuses))

    @staticmethod
    def status(report) -> str | None:
        if "subtest" in type(report).__name__.lower():
            return "FAILED" if report.failed else None
        expected = hasattr(report, "wasxfail")
        if report.outcome == "rerun":
            return None
        if report.skipped:
            return "XFAIL" if expected else "SKIPPED"
        if report.when != "call":
            return "ERROR" if report.failed else None
        return "FAILED" if report.failed else "XPASS" if expected else "PASSED"


def pytest_configure(config) -> None:
    if "TRUTH" in os.environ and not hasattr(config, "workerinput"):
        config.pluginmanager.register(TruthWriter(Path(os.environ["TRUTH"])))
