"""The check of the critical files' checksums."""

from __future__ import annotations

from velora_tui.domain.fleet import CriticalFile
from velora_tui.domain.readiness import FileCopy
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
from velora_tui.readiness.files import copies_of, files_probe


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
        words += f": {', '.join(_wrong(file, copy) for file, copy in wrong)}"
        verdict = failed if subject.fleet.critical_files else warned
        return verdict(words, mends=any(file.source for file, _ in wrong))
    unsure = sum(copy.state == "there" for copy in copies)
    if unsure:
        return warned(f"{words} there, {unsure} with no checksum in the fleet file to compare with", mends=False)
    return passed(f"{words} as expected")


def _wrong(file: CriticalFile, copy: FileCopy) -> str:
    name = file.path.rsplit("/", 1)[-1]
    return f"{name} is missing" if copy.state == "missing" else f"{name} differs from the good copy"


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
