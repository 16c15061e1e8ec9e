"""Find the run's output on the instance, and what lies beside it."""

from __future__ import annotations

import asyncio
import re
from dataclasses import dataclass, field

from velora_tui.hosts.command import command_failed
from velora_tui.hosts.files import read_file
from velora_tui.hosts.shell import assign, quote_path
from velora_tui.pipeline.harness.job import dataset_name, root, started_path
from velora_tui.pipeline.harness.log_facts import LogFacts
from velora_tui.pipeline.harness.record import OutputRecord, parse_record
from velora_tui.pipeline.phase import PhaseContext

RECORD_LIMIT = 64 * 1024 * 1024
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

_LIST = r"""
cd -- "$folder" || exit
find . -maxdepth 4 -type f \( -name '*.jsonl' -o -name metadata.json -o -path '*/*/report.json' -o -name report.json \
    -o -name test_output.txt -o -name patch.diff \) -printf '%s %P\n' | head -n 1000
"""

_QUOTED = re.compile(r"""^(?:"([^"]*)"|'([^']*)')""")


@dataclass(frozen=True)
class OutputPlace:
    """The run's output folder on the instance; `files` are sizes by path in it."""

    folder: str
    output: str  # its output.jsonl, whether or not there is one
    graded: str | None  # the output.jsonl that the script went on with
    files: dict[str, int] = field(default_factory=dict)
    started_local: str | None = None  # when the script was started, by the instance's own clock and zone
    config_model: str | None = None  # what config.toml calls the model

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
    """Return where this run's output is; None where the log names no place. Raises HostErrors."""
    candidates = facts.outputs or ((facts.graded,) if facts.graded else ())
    script = f"root={quote_path(root(ctx))}\nstarted={quote_path(started_path(ctx))}\n" + assign(model=ctx.run.model)
    script += _LOOK + "".join(f"look output {quote_path(path)}\n" for path in candidates)
    if facts.graded:
        script += f"look graded {quote_path(facts.graded)}\n"
    result = await ctx.host.run(script, check=False)
    answers = [line.partition(" ")[::2] for line in result.text.splitlines()]
    if result.exit_status != 0 and not answers:
        raise command_failed(ctx.host.name, script, result)
    output = _choose(answers, dataset_name(ctx))
    if output is None:
        return None
    known = dict(answers)
    folder = output.rpartition("/")[0]
    return OutputPlace(
        folder=folder,
        output=output,
        graded=known.get("graded"),
        files=await _files(ctx, folder),
        started_local=known.get("started"),
        config_model=_unquoted(known.get("model", "")),
    )


def _choose(answers: list[tuple[str, str]], name: str) -> str | None:
    """Return the most likely of several places: one that is named after the attempt's dataset, and that is there.

    The agent may have printed what looks like the script's own line.
    """
    there = {path for key, path in answers if key == "there"}
    outputs = [path for key, path in answers if key == "output" and path.endswith("/output.jsonl")]
    return max(outputs, key=lambda path: (name in path, path in there, outputs.index(path)), default=None)


async def _files(ctx: PhaseContext, folder: str) -> dict[str, int]:
    result = await ctx.host.run(f"folder={quote_path(folder)}\n{_LIST}", check=False)
    entries = (line.partition(" ") for line in result.text.splitlines())
    return {path: int(size) for size, _, path in entries if size.isdigit()}


async def read_record(ctx: PhaseContext, place: OutputPlace, path: str) -> OutputRecord:
    """Return what a record file in the output folder says. Raises HostErrors, CommandFailed and ValueError."""
    data = await read_file(ctx.host, f"{place.folder}/{path}", RECORD_LIMIT)
    try:
        return await asyncio.to_thread(parse_record, data)
    except RecursionError:
        raise ValueError("it is nested too deeply") from None


def _unquoted(value: str) -> str | None:
    found = _QUOTED.match(value)
    return (found[1] or found[2]) if found else None
