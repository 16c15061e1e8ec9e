"""Find the run's output on the instance, and what lies beside it."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from velora_tui.hosts.command import command_failed
from velora_tui.hosts.shell import assign, quote_path
from velora_tui.pipeline.harness.job import root, started_path
from velora_tui.pipeline.harness.log_facts import LogFacts
from velora_tui.pipeline.phase import PhaseContext

METADATA_LIMIT = 1024 * 1024
GRADED_NAMES = ("eval_pilot2_output.jsonl", "eval_standardized_output.jsonl")

# Standard output: `key value` lines. The last path looked at that exists as a file is where the files are listed.
_LOOK = r"""
look() {
    found=$(realpath -m -- "$2") && printf '%s %s\n' "$1" "$found"
    if [ -f "$found" ]; then printf 'there %s\n' "$found"; fi
}
cd -- "$root" || exit
if [ -f "$started" ]; then printf 'started %s\n' "$(head -c 40 "$started")"; fi
if [ -f config.toml ]; then
    awk -v want="[$model]" '
        /^[ \t]*\[/ { header = $0; sub(/#.*/, "", header); gsub(/["\x27 \t\r]/, "", header); on = (header == want) }
        on && /^[ \t]*model[ \t]*=/ { sub(/^[^=]*=[ \t]*/, ""); print "model " $0; exit }' config.toml
fi
"""

# For a version that names no output: what lies in a folder that is named after the attempt's dataset.
_LOOK_AROUND = r"""
find evaluation/evaluation_outputs -path "*$attempt*" -name output.jsonl -type f 2>/dev/null | head -n 8 |
    while IFS= read -r path; do look output "$path"; done
"""

_LIST = r"""
if [ ! -f "$started" ]; then started=/; fi
cd -- "$folder" || exit
find . -maxdepth 4 -type f \( -name '*.jsonl' -o -name metadata.json -o -path '*/*/report.json' -o -name report.json \
    -o -name test_output.txt -o -name patch.diff \) \( -newer "$started" -printf 'new ' -o -printf 'old ' \) \
    -printf '%s %P\n' | head -n 1000
"""

_SLACK = timedelta(seconds=60)  # a clock may be set back a little while a run goes on

_QUOTED = re.compile(r"""^(?:"([^"]*)"|'([^']*)')""")


@dataclass(frozen=True)
class OutputPlace:
    """The run's output folder on the instance; `files` are sizes by path in it."""

    folder: str
    output: str  # its output.jsonl, whether or not there is one
    graded: str | None  # the output.jsonl that the script went on with
    saved: str | None = None  # where the grader says that it put its result
    files: dict[str, int] = field(default_factory=dict)
    fresh: frozenset[str] = frozenset()  # of the files, those that were written after the script was started
    started: datetime | None = None  # when the script was started, by the instance's own clock and zone
    config_model: str | None = None  # what config.toml calls the model

    @property
    def graded_elsewhere(self) -> str | None:
        """What the script went on with where that is not what this run wrote."""
        if self.graded is not None:
            return self.graded if self.graded != self.output else None
        told = self.saved is not None and self.saved.endswith(".jsonl")
        return self.saved if told and not str(self.saved).startswith(f"{self.folder}/") else None

    def begun_before(self, start_time: str | None) -> bool:
        """Tell whether `start_time`, as a run's metadata has it, is earlier than this run."""
        return self._is_of_this_run(start_time) is False

    def begun_since(self, start_time: str | None) -> bool:
        """Tell whether `start_time` is known to be this run's."""
        return self._is_of_this_run(start_time) is True

    def _is_of_this_run(self, start_time: str | None) -> bool | None:
        moment = _moment(start_time)
        if moment is None or self.started is None:
            return None
        if moment.tzinfo is None:
            moment = moment.replace(tzinfo=self.started.tzinfo)
        return moment >= self.started - _SLACK

    def graded_file(self, saved: str | None) -> str | None:
        """Return the path of the grader's record; `saved` is where the log says it is."""
        told = saved.rpartition("/")[2] if saved and saved.endswith(".jsonl") else ""
        return self.named(*(name for name in (told, *GRADED_NAMES) if name and name != "output.jsonl"))

    def named(self, *names: str) -> str | None:
        """Return the path in the folder of the first of `names` that is there, at any depth."""
        for name in names:
            paths = sorted((path for path in self.files if path.rpartition("/")[2] == name), key=lambda p: p.count("/"))
            if paths:
                return paths[0]
        return None


async def locate(ctx: PhaseContext, facts: LogFacts) -> OutputPlace | None:
    """Return where this run's output is; None where neither the log nor a folder's name tells. Raises HostErrors."""
    candidates = facts.outputs or ((facts.graded,) if facts.graded else ())
    attempt = f"{ctx.run.run}.{ctx.attempt}"
    script = f"root={quote_path(root(ctx))}\nstarted={quote_path(started_path(ctx))}\n"
    script += assign(model=ctx.run.model, attempt=attempt) + _LOOK
    script += "".join(f"look output {quote_path(path)}\n" for path in candidates) or _LOOK_AROUND
    if facts.graded:
        script += f"look graded {quote_path(facts.graded)}\n"
    if facts.saved:
        script += f"look saved {quote_path(facts.saved)}\n"
    result = await ctx.host.run(script, check=False)
    answers = [line.partition(" ")[::2] for line in result.text.splitlines()]
    if result.exit_status != 0 and not answers:
        raise command_failed(ctx.host.name, script, result)
    output = _choose(answers, attempt)
    if output is None:
        return None
    known = dict(answers)
    folder = output.rpartition("/")[0]
    entries = await _files(ctx, folder)
    return OutputPlace(
        folder=folder,
        output=output,
        graded=known.get("graded"),
        saved=known.get("saved"),
        files={path: int(size) for _, size, path in entries},
        fresh=frozenset(path for age, _, path in entries if age == "new"),
        started=_moment(known.get("started")),
        config_model=_unquoted(known.get("model", "")),
    )


def _choose(answers: list[tuple[str, str]], attempt: str) -> str | None:
    """Return the most likely of several places: one that is named after the attempt's dataset, and that is there.

    The agent may have printed what looks like the script's own line. Some versions work on a copy of the dataset, whose
    name differs at its end.
    """
    named = re.compile(re.escape(attempt) + r"(?!\d)")
    there = {path for key, path in answers if key == "there"}
    outputs = [path for key, path in answers if key == "output" and path.endswith("/output.jsonl")]
    return max(outputs, key=lambda path: (bool(named.search(path)), path in there, outputs.index(path)), default=None)


async def _files(ctx: PhaseContext, folder: str) -> list[list[str]]:
    """Return age, size and path of each file that may matter."""
    paths = f"folder={quote_path(folder)}\nstarted={quote_path(started_path(ctx))}\n"
    result = await ctx.host.run(f"{paths}{_LIST}", check=False)
    entries = (line.split(" ", 2) for line in result.text.splitlines())
    return [entry for entry in entries if len(entry) == 3 and entry[1].isdigit()]


def _unquoted(value: str) -> str | None:
    found = _QUOTED.match(value)
    return (found[1] or found[2]) if found else None


def _moment(text: str | None) -> datetime | None:
    """Return a time such as `2026-01-23 18:52:00`, with or without fractions and zone."""
    try:
        return datetime.fromisoformat(text.strip()) if text else None
    except ValueError:
        return None
