"""What is suspicious about a patch: its size, and files that fix nothing."""

from __future__ import annotations

import re
from collections.abc import Iterator

from velora_tui.domain.failure import FailureClass, Finding
from velora_tui.domain.report import Outcome
from velora_tui.domain.result import AttemptResult
from velora_tui.grading.judge import GOOD_PATCH_BYTES, VALID_PATCH_BYTES
from velora_tui.grading.patch import FilePatch, clean_patch, split_files

_AGENT = FailureClass.AGENT
_TEST_FILE = re.compile(
    r"(?:^|/)(?:tests?|testing|specs?|__tests__)/|(?:^|/)(?:test_[^/]*|conftest\.py|[^/]*[._](?:test|spec)s?\.[^/]+)$"
    r"|(?:^|/)\w*Tests?\.(?:java|kt|cs|php|swift)$"
)
_GENERATED = re.compile(
    r"(?:^|/)(?:node_modules|\.?venv|__pycache__|\.pytest_cache|\.tox|dist|target|\.eggs|[^/]+\.egg-info)/|\.(?:pyc|class|o|so)$"
)
_REPRODUCTION = re.compile(r"^(?:repro\w*|reproduce\w*|debug\w*|tmp\w*|scratch\w*)\.\w+$")
_KINDS = {
    "litter": ("what the agent's tools leave behind (stdout, exit_code, …)", "it is dropped before grading"),
    "generated": ("generated files", "have the agent's environment ignore them; look whether the fix is there too"),
    "tests": ("tests", "a valid result: the model fixed nothing outside the tests"),
    "reproduction": ("scripts to reproduce the problem", "a valid result: the model fixed nothing"),
}


def size_findings(result: AttemptResult, patch: str, error: str | None) -> Iterator[Finding]:
    """Say where a patch is missing, small or large; `error` of the agent explains a missing one better."""
    bytes_ = result.summary.patch_bytes
    low, high = GOOD_PATCH_BYTES
    if bytes_ is None or low <= bytes_ <= high:
        return
    path = f"eval_outputs/{result.task}/patch.diff"
    if result.outcome is Outcome.NO_PATCH or bytes_ <= VALID_PATCH_BYTES:
        if not error:
            cause = "the agent left no patch" if not bytes_ else f"the patch has only {bytes_:,} bytes: none"
            remedy = "read the last steps of the trajectory: the model's own doing, unless its tools failed"
            yield Finding(id="no-patch", failure_class=_AGENT, cause=cause, remedy=remedy, file="output.jsonl")
    elif bytes_ < low:
        cause = f"the patch is small: {bytes_:,} bytes, {low:,} to {high:,} are usual"
        remedy = "read it: a small fix, or work that was lost"
        yield Finding(id="patch-small", failure_class=_AGENT, cause=cause, remedy=remedy, file=path, line=1)
    else:
        largest, line = _largest(patch)
        share = f", of which {len(largest.text.encode()):,} in {largest.path}" if largest else ""
        yield Finding(
            id="patch-large",
            failure_class=_AGENT,
            cause=f"the patch is large: {bytes_:,} bytes{share}; {low:,} to {high:,} are usual",
            remedy="look whether it holds generated files or a whole environment",
            evidence=largest.text.partition("\n")[0][:300] if largest else None,
            file=path,
            line=line,
        )


def content_findings(result: AttemptResult, patch: str) -> Iterator[Finding]:
    """Say of what kind the patch's files are, where they are of one that fixes nothing."""
    if not patch.strip():
        return
    path = f"eval_outputs/{result.task}/patch.diff"
    places = list(_placed(patch))
    dropped = set(clean_patch(patch).dropped)
    kinds = [_kind(file.path, dropped) for file, _ in places]
    for kind, (cause, remedy) in _KINDS.items():
        found = [place for place, its in zip(places, kinds, strict=True) if its == kind]
        is_all = bool(found) and len(found) == len(places)
        if not found or (kind in {"tests", "reproduction"} and not is_all):
            continue
        file, line = found[0]
        scope = "the patch only touches" if is_all else f"{len(found):,} of the patch's {len(places):,} files are"
        yield Finding(
            id=f"patch-{'only-' if is_all else ''}{kind}",
            failure_class=_AGENT,
            cause=f"{scope} {cause}",
            remedy=remedy,
            evidence=file.text.partition("\n")[0][:300],
            file=path,
            line=line,
        )


def _kind(path: str, dropped: set[str]) -> str:
    if path in dropped:
        return "litter"
    if _GENERATED.search(path):
        return "generated"
    if _TEST_FILE.search(path):
        return "tests"
    return "reproduction" if _REPRODUCTION.match(path) else "code"


def _placed(patch: str) -> Iterator[tuple[FilePatch, int]]:
    """Yield each file's part of the patch with the number of its first line."""
    preamble, files = split_files(patch)
    line = preamble.count("\n") + 1
    for file in files:
        yield file, line
        line += file.text.count("\n")


def _largest(patch: str) -> tuple[FilePatch | None, int | None]:
    return max(_placed(patch), key=lambda place: len(place[0].text), default=(None, None))
