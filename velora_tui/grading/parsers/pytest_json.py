"""Reports of the pytest-json-report plugin (`pytest --json-report`).

Source of the format: the plugin's README, "Format", version 1.5.
"""

from __future__ import annotations

from typing import Any

from velora_tui.domain.report import Status
from velora_tui.grading.log import LogLines
from velora_tui.grading.parsed import Listed, Observation, ParsedLog
from velora_tui.grading.parsers.json_documents import json_documents

_OUTCOMES = {
    "passed": Status.PASSED,
    "failed": Status.FAILED,
    "error": Status.ERROR,
    "skipped": Status.SKIPPED,
    "xfailed": Status.XFAIL,
    "xpassed": Status.XPASS,
}


def parse(log: LogLines, listed: Listed) -> ParsedLog:
    """Return the tests of the report in the log; a test with a failed subtest has failed."""
    parsed = ParsedLog()
    for number, offset, document in json_documents(log):
        if isinstance(document, dict) and isinstance(document.get("tests"), list):
            for test in document["tests"]:
                _add(parsed, test, number, offset)
            _note(parsed, document)
    return parsed


def _add(parsed: ParsedLog, test: Any, number: int, offset: int) -> None:
    if not isinstance(test, dict):
        return
    status = _OUTCOMES.get(str(test.get("outcome")))
    name = test.get("nodeid")
    if status is None or not isinstance(name, str):
        return
    parsed.add(name, Observation(status, number, offset, "json-report"))


def _note(parsed: ParsedLog, document: dict[str, Any]) -> None:
    collectors = document.get("collectors")
    for collector in collectors if isinstance(collectors, list) else []:
        if isinstance(collector, dict) and collector.get("outcome") == "failed":
            parsed.flag("collection-errors", f"{collector.get('nodeid')} could not be collected")
    if not parsed.results:
        parsed.died = "no test ran: the report has none"
