"""Import trees of finished runs into the catalog: what is new or changed is read, the rest is left as it is."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from velora_tui import __version__
from velora_tui.domain.task import Task
from velora_tui.errors import UsageError
from velora_tui.pipeline.imported.workers import Reading, Workers
from velora_tui.store.catalog import Catalog, Source
from velora_tui.store.trees import RunFolder, find_runs

CHUNK_FOLDERS = 16
_READER = f"{__version__}, 3"  # the number goes up when runs are told apart, or judged, by something else


@dataclass
class ImportReport:
    """What an import did, folder by folder; `problems` are (folder, what is wrong), and stopped nothing.

    `ungraded` counts the runs that we could not grade by why, those of unchanged folders too. `copies` are the runs in
    the catalog that lie elsewhere too, `own_copies` those of them that Velora made itself.
    """

    read: int = 0
    unchanged: int = 0
    gone: int = 0
    results: int = 0
    copies: int = 0
    own_copies: int = 0
    problems: list[tuple[str, str]] = field(default_factory=list)
    ungraded: Counter[str] = field(default_factory=Counter)

    @property
    def folders(self) -> int:
        return self.read + self.unchanged


OnProgress = Callable[[ImportReport], None]


def import_trees(
    catalog: Catalog,
    roots: Sequence[Path],
    tasks: Iterable[Task] = (),
    *,
    forget_gone: bool = False,
    on_progress: OnProgress | None = None,
    processes: int | None = None,
) -> ImportReport:
    """Take every finished run below `roots` into the catalog. Blocks; raises UsageError and StoreError.

    Runs are graded by `tasks` where it has theirs, else by what their records hold. A run whose files and whose task
    are as they were is not read again. The trees are only read. `forget_gone` drops runs that are no longer there.
    """
    importing = _Import(catalog, {task.instance_id: task for task in tasks}, on_progress)
    with Workers(importing.tasks, processes) as workers:
        for root in _checked(roots):
            importing.take(root, workers)
            importing.settle(root, forget_gone=forget_gone)
            importing.miss_runs(root)
    importing.report.copies = catalog.mark_copies()
    importing.report.own_copies = catalog.count_own_copies()
    return importing.report


def refresh_own(catalog: Catalog, results: Path) -> ImportReport:
    """Bring the catalog up to date with the operator's own results. Blocks; raises StoreError."""
    importing = _Import(catalog, {}, None, is_own=True)
    if results.is_dir():
        with Workers({}, 0) as workers:
            importing.take(results.resolve(), workers)
    importing.settle(results.resolve(), forget_gone=True)
    if importing.report.read or importing.report.gone:
        importing.report.copies = catalog.mark_copies()
    return importing.report


def _checked(roots: Sequence[Path]) -> list[Path]:
    for root in roots:
        if not root.is_dir():
            raise UsageError(f"{root} is no folder", hint="name folders that hold finished runs")
    return list(dict.fromkeys(root.resolve() for root in roots))


class _Import:
    """One import: what was known before, and what has been seen since."""

    def __init__(
        self, catalog: Catalog, tasks: dict[str, Task], on_progress: OnProgress | None, *, is_own: bool = False
    ) -> None:
        self.tasks = tasks
        self.report = ImportReport()
        self._catalog = catalog
        self._is_own = is_own
        self._known = catalog.sources()
        self._seen: set[str] = set()
        self._digests = {name: task_digest(task) for name, task in tasks.items()}
        self._on_progress = on_progress or (lambda report: None)

    def take(self, root: Path, workers: Workers) -> None:
        """Read what is new or changed below `root`, a few folders in memory at a time."""
        for readings in workers.read(_chunks(self._changed(root), CHUNK_FOLDERS), str(root), is_own=self._is_own):
            self._catalog.keep([(self._source(reading, str(root)), list(reading.results)) for reading in readings])
            for reading in readings:
                self.report.read += 1
                self.report.results += len(reading.results)
                self.report.ungraded.update(reading.ungraded)
                self._note(Path(reading.folder), "; ".join(reading.problems))
            self._on_progress(self.report)

    def miss_runs(self, root: Path) -> None:
        """Note where nothing was, is or could have been a run below `root`: it is another folder than was meant."""
        sources = (name for name, source in self._known.items() if source.batch == str(root))
        told = (folder for folder, _ in self.report.problems)
        if not any(Path(name).is_relative_to(root) for name in (*self._seen, *sources, *told)):
            self._note(root, "there is no finished run in it: name the folders the harness writes its output to")

    def settle(self, root: Path, *, forget_gone: bool) -> None:
        """Note which folders below `root` are not there any more, and which are there again."""
        before = [name for name, source in self._known.items() if source.batch == str(root)]
        gone = [name for name in before if name not in self._seen and not Path(name).exists()]
        self.report.gone += len(gone)
        if forget_gone:
            self._catalog.forget(gone)
        elif gone:
            self._catalog.mark_gone(gone, gone=True)
        self._catalog.mark_gone([name for name in before if name in self._seen], gone=False)

    def _changed(self, root: Path) -> Iterator[RunFolder]:
        for found in find_runs(root, self._note, only_ours=self._is_own):
            name = str(found.folder)
            if name in self._seen:
                continue
            self._seen.add(name)
            if self._is_unchanged(found):
                self.report.unchanged += 1
                self.report.ungraded.update(json.loads(self._known[name].graded).get("ungraded", ()))
                self._note(found.folder, self._known[name].problem)
            else:
                yield found

    def _is_unchanged(self, found: RunFolder) -> bool:
        source = self._known.get(str(found.folder))
        if source is None or source.fingerprint != found.fingerprint:
            return False
        if found.is_ours:
            return True
        graded = json.loads(source.graded)
        by = graded["by"]
        return graded["version"] == _READER and all(
            self._digests.get(task, digest) == digest for task, digest in by.items()
        )

    def _source(self, reading: Reading, batch: str) -> Source:
        by = {row.task: self._digests.get(row.task, "") for row, _ in reading.results}
        graded = json.dumps({"version": _READER, "by": by, "ungraded": reading.ungraded})
        return Source(reading.folder, batch, reading.fingerprint, graded, "; ".join(reading.problems))

    def _note(self, folder: Path, problem: str) -> None:
        if problem:
            self.report.problems.append((str(folder), problem))


def task_digest(task: Task) -> str:
    """Return a text that changes whenever what a run is graded by does."""
    graded_by = (task.fail_to_pass, task.pass_to_pass, task.test_output_parser)
    return hashlib.blake2b(repr(graded_by).encode("utf-8", "surrogateescape"), digest_size=8).hexdigest()


def _chunks(found: Iterator[RunFolder], size: int) -> Iterator[list[RunFolder]]:
    chunk: list[RunFolder] = []
    for folder in found:
        chunk.append(folder)
        if len(chunk) == size:
            yield chunk
            chunk = []
    if chunk:
        yield chunk
