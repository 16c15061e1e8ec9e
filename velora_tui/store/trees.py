"""Finished runs in folder trees as they lie on operators' disks: found by the harness's file names, never changed.

Layouts: HARNESS.md, "Which output belongs" and "Files".
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

RESULT_FILE = "velora.json"
GRADED_NAMES = ("eval_pilot2_output.jsonl", "eval_standardized_output.jsonl")
RECORD_NAMES = (*GRADED_NAMES, "output.jsonl")
REPORT_FOLDERS = ("eval_outputs", "evals_report")
_EVALUATION_NAMES = frozenset({"report.json", "test_output.txt", "patch.diff"})
_NAMES = frozenset({*RECORD_NAMES, *_EVALUATION_NAMES, RESULT_FILE, "metadata.json"})
_NEVER_ENTERED = frozenset({"llm_completions", "logs", ".git", "node_modules", "__pycache__", ".venv"})

OnProblem = Callable[[Path, str], None]


@dataclass(frozen=True)
class RunFolder:
    """A folder with one run, or a few in one file. `files`: size and mtime in ns of what matters, by relative path."""

    folder: Path
    files: dict[str, tuple[int, int]]

    @property
    def is_ours(self) -> bool:
        """Whether Velora made it."""
        return RESULT_FILE in self.files

    @property
    def fingerprint(self) -> str:
        """A text that changes whenever one of the files does."""
        stated = sorted((path, *stat) for path, stat in self.files.items())
        return hashlib.blake2b(repr(stated).encode("utf-8", "surrogateescape"), digest_size=16).hexdigest()

    def evaluation(self, instance_id: str) -> dict[str, str]:
        """Return the paths of the evaluation's files by name, those of `instance_id` first where there are several."""
        found: dict[str, str] = {}
        for folder in self._evaluation_folders(instance_id):
            for name in _EVALUATION_NAMES:
                path = f"{folder}/{name}" if folder else name
                if path in self.files:
                    found.setdefault(name, path)
        return found

    @property
    def evaluated_ids(self) -> tuple[str, ...]:
        """The folders of evaluations, which are named by their tasks."""
        return tuple(dict.fromkeys(parts[-2] for path in self.files if len(parts := path.split("/")) > 2))

    def _evaluation_folders(self, instance_id: str) -> Iterator[str]:
        known = self.evaluated_ids
        named = instance_id if instance_id in known or len(known) != 1 else known[0]
        if named:
            yield from (f"{folder}/{named}" for folder in REPORT_FOLDERS)
            yield named
        yield from ("", *REPORT_FOLDERS)


@dataclass
class _Listing:
    """One directory: its files of interest, and its directories."""

    files: dict[str, tuple[int, int]] = field(default_factory=dict)
    folders: list[str] = field(default_factory=list)


def find_runs(root: Path, on_problem: OnProblem, *, only_ours: bool = False) -> Iterator[RunFolder]:
    """Yield the run folders below `root`, each directory once whatever links lead to it. Blocks.

    What cannot be read is told to `on_problem` and skipped. `only_ours` yields folders with a velora.json only.
    """
    walk = _Walk(on_problem)
    waiting = [root]
    while waiting:
        folder = waiting.pop()
        listing = walk.list_once(folder)
        if listing is None:
            continue
        taken: set[str] = set()
        if RESULT_FILE in listing.files:
            yield RunFolder(folder, listing.files)
            continue
        if not only_ours:
            run, taken = walk.run_in(folder, listing)
            if run is not None:
                yield run
        below = [name for name in listing.folders if name not in taken and name not in _NEVER_ENTERED]
        waiting.extend(folder / name for name in reversed(below))


def run_at(folder: Path) -> RunFolder | None:
    """Return the harness's files of the run in `folder` itself, also of one of ours. Blocks; raises OSError."""
    walk = _Walk(_raise)
    listing = walk.list_once(folder) or _Listing()
    listing.files.pop(RESULT_FILE, None)
    return walk.run_in(folder, listing)[0]


def _raise(folder: Path, problem: str) -> None:
    raise OSError(0, problem, str(folder))


class _Walk:
    """Reads directories, each one once: a link back up, or a second way to the same place, leads nowhere."""

    def __init__(self, on_problem: OnProblem) -> None:
        self._seen: set[tuple[int, int]] = set()
        self._on_problem = on_problem

    def list_once(self, folder: Path) -> _Listing | None:
        try:
            identity = folder.stat()
            if (identity.st_dev, identity.st_ino) in self._seen:
                return None
            self._seen.add((identity.st_dev, identity.st_ino))
            return self._list(folder)
        except OSError as error:
            self._on_problem(folder, f"cannot be read: {error.strerror}")
            return None

    def _list(self, folder: Path) -> _Listing:
        """List real directories before links to others, so that a run is found under its own path."""
        listing, links = _Listing(), []
        with os.scandir(folder) as entries:
            for entry in sorted(entries, key=lambda entry: entry.name):
                if entry.is_dir(follow_symlinks=False):
                    listing.folders.append(entry.name)
                elif entry.is_symlink() and entry.is_dir():
                    links.append(entry.name)
                elif entry.name in _NAMES and (stat := _file_stat(entry)) is not None:
                    listing.files[entry.name] = stat
        listing.folders += links
        return listing

    def run_in(self, folder: Path, listing: _Listing) -> tuple[RunFolder | None, set[str]]:
        """Return the run that `folder` is, if any, and which of its directories belong to it."""
        files = dict(listing.files)
        taken: set[str] = set()
        for name in REPORT_FOLDERS:
            if name in listing.folders:
                taken.add(name)
                files |= self._below(folder, name, depth=2)
        if any(name in files for name in RECORD_NAMES):
            for name in listing.folders:
                if name not in taken and name not in _NEVER_ENTERED and (loose := self._loose(folder, name)):
                    taken.add(name)
                    files |= loose
        is_aggregate = folder.name in REPORT_FOLDERS and not {"test_output.txt", "patch.diff"} & files.keys()
        is_run = any(path.rpartition("/")[2] in {*RECORD_NAMES, *_EVALUATION_NAMES} for path in files)
        return (RunFolder(folder, files) if is_run and not is_aggregate else None), taken

    def _below(self, folder: Path, name: str, depth: int) -> dict[str, tuple[int, int]]:
        """Return the evaluation files in a report folder and in the folders of its tasks, by relative path."""
        listing = self.list_once(folder / name)
        if listing is None:
            return {}
        files = {f"{name}/{file}": stat for file, stat in listing.files.items() if file in _EVALUATION_NAMES}
        if depth > 1:
            for below in listing.folders:
                if below not in _NEVER_ENTERED:
                    files |= self._below(folder, f"{name}/{below}", depth - 1)
        return files

    def _loose(self, folder: Path, name: str) -> dict[str, tuple[int, int]]:
        """Return the files of an evaluation that lies beside the record, without a folder of reports around it."""
        try:
            listing = self._list(folder / name)
        except OSError:
            return {}
        if listing.folders or not listing.files or set(listing.files) - _EVALUATION_NAMES:
            return {}
        return {f"{name}/{file}": stat for file, stat in listing.files.items()}


def _file_stat(entry: os.DirEntry[str]) -> tuple[int, int] | None:
    """Return size and mtime of a file; None for what is none, or is a link to nowhere."""
    try:
        if not entry.is_file():
            return None
        stat = entry.stat()
    except OSError:
        return None
    return stat.st_size, stat.st_mtime_ns
