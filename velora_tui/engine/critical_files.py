"""The harness's critical files across the fleet: side by side, and the difference of one from its good copy."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from pathlib import Path
from shlex import quote

from velora_tui.domain.fleet import CriticalFile, Fleet
from velora_tui.domain.readiness import FileCopy, FileReport
from velora_tui.engine.machines import Machines
from velora_tui.errors import CommandFailed, HostError, Refused, UnknownName
from velora_tui.hosts.files import read_file
from velora_tui.hosts.local import LocalHost
from velora_tui.readiness.checks import Subject
from velora_tui.readiness.files import compared, copies_of, files_probe, good_sums
from velora_tui.view.text import clean_line

DIFF_LIMIT_BYTES = 1024 * 1024
_DIFF_SECONDS = 10.0
_REPORT_SECONDS = 30.0
_DIFFERENT = 1
_LINE_CELLS = 2000


async def report(fleet: Fleet, machines: Machines, names: Sequence[str]) -> FileReport:
    """Compare the files of all instances called `names`; one that does not answer is unknown. Raises UnknownName."""
    good = await asyncio.to_thread(good_sums, fleet.watched_files)
    subjects = [Subject(machines.instance(name), fleet, fleet.defaults.recipe, good=good) for name in names]
    copies = await asyncio.gather(*(_copies(machines, subject) for subject in subjects))
    return compared(fleet.watched_files, dict(zip(names, copies, strict=True)), good)


async def difference(fleet: Fleet, machines: Machines, instance: str, path: str) -> str:
    """Return the unified diff from the instance's file to the good copy, "" where they are the same.

    The end of a path will do where no other critical file has it.
    What is in the files is foreign: control characters are gone from it. Raises UnknownName, Refused and HostErrors.
    """
    file = watched(fleet, path)
    source = await _good_copy(file)
    root = machines.instance(instance).harness or fleet.defaults.harness
    where = file.path if file.path.startswith("/") else f"{root.rstrip('/')}/{file.path}"
    theirs = await read_file(await machines.host(instance), where, DIFF_LIMIT_BYTES)
    labels = " ".join(f"--label {quote(label)}" for label in (f"{instance}:{where}", str(source)))
    command = f"diff -u {labels} -- - {quote(str(source))}"
    result = await LocalHost("here").run(command, stdin=theirs, timeout_seconds=_DIFF_SECONDS, check=False)
    if result.exit_status not in {0, _DIFFERENT}:
        raise CommandFailed(f"the files can't be compared: {result.text or result.stderr.decode(errors='replace')}")
    return "\n".join(clean_line(line, _LINE_CELLS) for line in result.stdout.splitlines())


async def _copies(machines: Machines, subject: Subject) -> tuple[FileCopy, ...]:
    files, name = subject.fleet.watched_files, subject.instance.name
    try:
        host = await machines.host(name)
        text = (await host.run(files_probe(subject.in_root, files), timeout_seconds=_REPORT_SECONDS, check=False)).text
    except HostError as error:
        return tuple(FileCopy(instance=name, state="unknown", detail=error.message) for _ in files)
    return copies_of(name, files, subject.good, text)


def watched(fleet: Fleet, path: str) -> CriticalFile:
    """Return the critical file at `path`, or the only one whose path ends so. Raises UnknownName."""
    files = {file.path: file for file in fleet.watched_files}
    if path in files:
        return files[path]
    ending = [name for name in files if path and name.endswith(f"/{path}")]
    if len(ending) == 1:
        return files[ending[0]]
    if ending:
        raise UnknownName(f"{path!r} could be several critical files", hint=f"name one: {', '.join(ending)}")
    raise UnknownName.of("critical file", path, list(files))


async def _good_copy(file: CriticalFile) -> Path:
    """Return where the good copy lies. Raises Refused."""
    if file.source is None:
        raise Refused(f"{file.path} has no good copy", hint="name it as `source` in the fleet file")
    try:
        found = await asyncio.to_thread(file.source.stat)
    except OSError as error:
        raise Refused(f"the good copy {file.source} can't be read: {error.strerror}") from None
    if found.st_size > DIFF_LIMIT_BYTES:
        raise Refused(f"the good copy {file.source} is larger than {DIFF_LIMIT_BYTES} bytes")
    return file.source
