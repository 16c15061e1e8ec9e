"""The filter of tables: words, /regex/, !not, key:value; all must hold."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass

from velora_tui.errors import UsageError
from velora_tui.view.cells import plain
from velora_tui.view.entries import Entry

_TERM = re.compile(r'!?/(?:[^/\\]|\\.)*/(?=\s|$)|!?(?:[\w-]+:)?"[^"]*"?|\S+')


_KEY = re.compile(r"[A-Za-z][\w-]*")


@dataclass(frozen=True, slots=True)
class Term:
    """One condition: in `key`, or anywhere where it is "", one of `patterns` occurs, or none where `is_not`."""

    key: str
    patterns: tuple[re.Pattern[str], ...]
    is_not: bool

    def matches(self, entry: Entry) -> bool:
        """Return whether the condition holds for `entry`."""
        text = entry.fields.get(self.key, "") if self.key else _all_text(entry)
        return any(pattern.search(text) for pattern in self.patterns) is not self.is_not


@dataclass(frozen=True, slots=True)
class Filter:
    """A filter as typed and what it means; the empty one lets everything through."""

    text: str = ""
    terms: tuple[Term, ...] = ()

    @property
    def is_empty(self) -> bool:
        return not self.terms

    def matches(self, entry: Entry) -> bool:
        """Return whether `entry` is shown."""
        return all(term.matches(entry) for term in self.terms)

    def of(self, entries: Iterable[Entry]) -> list[Entry]:
        """Return the entries that are shown, in their order."""
        return [entry for entry in entries if self.matches(entry)]


def parse_filter(text: str, keys: Collection[str]) -> Filter:
    """Return the filter `text` means; a word with a colon is a condition on a column only if `keys` has it.

    Raises UsageError for a regular expression that is wrong.
    """
    terms = (_term(word, keys) for word in _TERM.findall(text))
    return Filter(text.strip(), tuple(term for term in terms if term is not None))


def keyed_words(text: str) -> Iterator[tuple[str, str]]:
    """Yield key and value of each word of `text` that is meant as a condition on a column, whether there is one or not.

    Quoted words, times, paths and regular expressions are text to look for.
    """
    for word in _TERM.findall(text):
        key, _, value = word.removeprefix("!").partition(":")
        if _KEY.fullmatch(key) and not value.startswith((":", "/")):
            yield from ((key, part) for part in value.strip('"').split(",") if part)


def doubt(text: str, keys: Collection[str]) -> UsageError | None:
    """Return what in a filter can't be meant as it is typed: a key that is none, a regular expression not whole yet."""
    for key, _ in keyed_words(text):
        if key not in keys:
            return UsageError(f"unknown filter key {key!r}", hint=f"there are {', '.join(keys)}")
    for word in _TERM.findall(text):
        typed = word.removeprefix("!")
        if len(typed) > 1 and typed.startswith("/") and _unfinished(typed[1:], is_not=False) is None:
            return UsageError(f"{typed[:60]} is no whole /regex/ yet", hint="end it, or drop the slash")
    return None


def _term(word: str, keys: Collection[str]) -> Term | None:
    is_not = word.startswith("!")
    word = word.removeprefix("!")
    if len(word) >= 2 and word.startswith("/") and word.endswith("/"):
        return Term("", (_regex(word[1:-1]),), is_not) if len(word) > 2 else None
    if word.startswith("/"):
        return _unfinished(word[1:], is_not)
    key, colon, value = word.partition(":")
    if not colon or key not in keys:
        key, value = "", word
    value = value.strip('"')
    alternatives = [part for part in (value.split(",") if key else [value]) if part]
    if not alternatives:
        return None
    # In a column a value begins a word: state:resolved is not unresolved.
    begin = r"(?<!\w)" if key else ""
    return Term(key, tuple(re.compile(begin + re.escape(part), re.IGNORECASE) for part in alternatives), is_not)


def _unfinished(pattern: str, is_not: bool) -> Term | None:
    """Return what a regular expression still being typed means: nothing while it is wrong or empty."""
    try:
        return Term("", (_regex(pattern),), is_not) if pattern else None
    except UsageError:
        return None


def _regex(pattern: str) -> re.Pattern[str]:
    try:
        return re.compile(pattern, re.IGNORECASE if pattern == pattern.lower() else 0)
    except (re.error, OverflowError, RecursionError) as error:
        raise UsageError(
            f"/{pattern[:60]}/ is not a regular expression: {error}", hint="mend it, or drop the slashes"
        ) from None


def _all_text(entry: Entry) -> str:
    return " ".join((*(plain(cell) for cell in entry.row.cells.values()), *entry.fields.values()))
