"""JUnit XML reports, as pytest, Surefire, Gradle, PHPUnit, CTest and many others write them.

Source of the format: the schemas that the junitparser library reads.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from xml.etree.ElementTree import ParseError

from junitparser import Error, Failure, JUnitXml, JUnitXmlError, Skipped, TestCase

from velora_tui.domain.report import Status
from velora_tui.grading.log import LogLines
from velora_tui.grading.parsed import SEVERITY, Listed, Observation, ParsedLog
from velora_tui.grading.parsers.java_names import JavaBook

ROOTS = ("<?xml", "<testsuites", "<testsuite")
_ATTRIBUTES = {"disabled": Status.SKIPPED, "notrun": Status.SKIPPED, "fail": Status.FAILED}  # CTest, GoogleTest
_ENDS = ("</testsuites>", "</testsuite>")


def parse(log: LogLines, listed: Listed) -> ParsedLog:
    """Return the tests of every JUnit XML document in the log, as `classname.name`."""
    book = JavaBook(listed)
    for line, offset, text in _documents(log):
        _add_document(book, line, offset, text)
    return book.parsed


def _documents(log: LogLines) -> Iterator[tuple[int, int, str]]:
    """Yield each document with the place where it begins."""
    block: list[str] = []
    place = (0, 0)
    for number, offset, text in log:
        stripped = text.lstrip("\ufeff \t")
        if not block and not stripped.startswith(ROOTS):
            continue
        if not block or stripped.startswith("<?xml"):
            if block:
                yield (*place, "\n".join(block))
            block, place = [], (number, offset)
        block.append(text)
    if block:
        yield (*place, "\n".join(block))


def _add_document(book: JavaBook, line: int, offset: int, text: str) -> None:
    end = max(text.rfind(closing) + len(closing) if closing in text else 0 for closing in _ENDS)
    if "<!DOCTYPE" in text[:4000] or "<!ENTITY" in text:
        book.parsed.flag("report-refused", "an XML report that defines entities")
        return
    try:
        document = JUnitXml.fromstring(text[:end] if end else text)
        cases = list(_cases(document))
    except (ParseError, JUnitXmlError, ValueError, TypeError, RecursionError) as error:
        book.parsed.flag("report-broken", f"not a JUnit XML report: {error}")
        return
    for case in cases:
        owner, name = str(case.classname or ""), str(case.name or "")
        seen = Observation(_status(case), line, offset, "junit-xml")
        whole = f"{owner}.{name}" if owner else name
        book.add(whole, seen, (f"{owner}.{name}()",) if owner else ())
        class_name = owner.replace(".", "\\")  # PHPUnit writes a namespace with dots here
        for spelling in (
            name,
            f"{class_name}::{name}",
            f"{owner} {name}",
            f"{name} ({owner})",
            *_node_ids(owner, name),
        ):
            if spelling in book.listed and spelling != whole:
                book.parsed.qualify(spelling, seen)


def _cases(element: Any) -> Iterator[TestCase]:
    for child in element:
        if isinstance(child, TestCase):
            yield child
        else:
            yield from _cases(child)


def _status(case: TestCase) -> Status:
    statuses = [_ATTRIBUTES.get(case._elem.get("status", ""), Status.PASSED)]
    if any(child.tag == "warning" for child in case._elem):  # PHPUnit: the test has not plainly passed
        statuses.append(Status.FAILED)
    for result in case.result:
        if isinstance(result, Failure):
            statuses.append(Status.FAILED)
        elif isinstance(result, Error):
            statuses.append(Status.ERROR)
        elif isinstance(result, Skipped):
            statuses.append(Status.XFAIL if result.type == "pytest.xfail" else Status.SKIPPED)
    return max(statuses, key=lambda status: SEVERITY[status])


def _node_ids(owner: str, name: str) -> Iterator[str]:
    """Yield the pytest ids that `tests.test_a.TestX` and `test_y` can stand for."""
    parts = owner.split(".")[:40]
    for cut in range(1, len(parts) + 1):
        yield "::".join((f"{'/'.join(parts[:cut])}.py", *parts[cut:], name))
