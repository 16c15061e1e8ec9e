"""The check of the critical files' checksums."""

from __future__ import annotations

import posixpath
from collections.abc import Sequence

from velora_tui.domain.fleet import CriticalFile
from velora_tui.domain.readiness import CheckStatus, FileCopy
from velora_tui.readiness.checks.check import (
    NO_FOLDER,
    Answer,
    Check,
    Subject,
    Verdict,
    failed,
    no_root,
    on_harness,
    passed,
    unclear,
    warned,
)
from velora_tui.readiness.files import copies_of, expected_sum, files_probe


def _judge_files(subject: Subject, answer: Answer) -> Verdict:
    if answer.exit_status == NO_FOLDER:
        return no_root(subject)
    files = subject.fleet.watched_files
    copies = copies_of(subject.instance.name, files, subject.good, answer.text)
    unknown = sum(copy.state == "unknown" for copy in copies)
    if answer.exit_status != 0 or unknown:
        return unclear(answer, f"{unknown}/{len(files)} can't be read")
    wrong = [(file, copy) for file, copy in zip(files, copies, strict=True) if copy.state in {"differs", "missing"}]
    words = f"{len(files) - len(wrong)}/{len(files)}"
    if wrong:
        words += f": {', '.join(_wrong(subject, file, copy) for file, copy in wrong)}"
        verdict = failed if subject.fleet.critical_files else warned
        return verdict(words, mends=any(file.source for file, _ in wrong))
    return _unsure(subject, copies) or passed(f"{words} as expected")


def _unsure(subject: Subject, copies: Sequence[FileCopy]) -> Verdict | None:
    """Judge files that are there, but of which something can't be told; None where all is known."""
    files = subject.fleet.watched_files
    unread = [file for file in files if file.source is not None and file.path not in subject.good]
    if unread:
        words = f"{', '.join(map(_unread, unread))}: mend `source` under [[critical_files]], or bring the file back"
        blind = any(expected_sum(file, subject.good) is None for file in unread)
        return Verdict(CheckStatus.UNKNOWN, words, mends=False) if blind else warned(words, mends=False)
    unsure = sum(copy.state == "there" for copy in copies)
    if not unsure:
        return None
    words = f"{len(files)}/{len(files)} there, {unsure} with no checksum in the fleet file to compare with"
    return warned(words, mends=False)


def _wrong(subject: Subject, file: CriticalFile, copy: FileCopy) -> str:
    name = posixpath.basename(file.path)
    if copy.state == "missing":
        return f"{name} is missing"
    return f"{name} differs from the {'good copy' if file.path in subject.good else 'checksum in the fleet file'}"


def _unread(file: CriticalFile) -> str:
    return f"the good copy of {posixpath.basename(file.path)} can't be read here ({file.source})"


CHECKS = (
    Check(
        "files",
        "critical files",
        lambda subject: files_probe(subject.in_root, subject.fleet.watched_files),
        _judge_files,
        blocking=True,
        repair="push-files",
        applies=on_harness,
    ),
)
