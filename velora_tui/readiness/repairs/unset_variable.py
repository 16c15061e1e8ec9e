"""unset-variable: comment out variables that spoil runs, such as a container image of "skip", where they are set."""

from __future__ import annotations

import posixpath
import re

from velora_tui.domain.repair import Affected, RepairStep
from velora_tui.hosts.shell import assign, quote_path
from velora_tui.readiness.repairs.repair import Beside, Findings, Repair, Site
from velora_tui.readiness.repairs.shell import BACKUPS, KIND, REPLACE

_PROFILES = (
    "~/.bashrc",
    "~/.bash_aliases",
    "~/.bash_profile",
    "~/.bash_login",
    "~/.profile",
    "~/.zshrc",
    "~/.zshenv",
    "~/.zprofile",
    "~/.pam_environment",
    "/etc/environment",
    "/etc/profile",
    "/etc/bash.bashrc",
)
_HARNESS_FILES = (".env", "config.toml")
_NAMES = ("RUNTIME_CONTAINER_IMAGE", "SANDBOX_RUNTIME_CONTAINER_IMAGE", "EVAL_SKIP_MAXIMUM_RETRIES_EXCEEDED")
_PATTERN = "|".join(_NAMES)
_HARMLESS = {"", "false", "0", "no"}
_LONE = re.compile(
    rf"""\s*(?:export\s+|declare\s+-x\s+)?(?:{_PATTERN})\s*=\s*("[^"]*"|'[^']*'|[^\s;#&|"'`$()]*)\s*;?\s*(?:\#.*)?""",
    re.IGNORECASE,
)
_SET = re.compile(rf"(?:{_PATTERN})\s*=\s*[\"']?([^\s;\"']*)", re.IGNORECASE)

# For each file that sets it: its path, kind, whether it can be replaced, and `number:line` of each line; NUL ends each.
_LOOK = r"""
look() {
    [ -f "$1" ] || return 0
    target=$(readlink -f -- "$1") || return 0
    lines=$(grep -aniE "^[^#]*($names)[[:space:]]*=" "$target" 2>/dev/null | head -c 4096)
    [ -n "$lines" ] || return 0
    able=no
    if [ -w "$target" ] && [ -w "${target%/*}" ]; then able=yes; fi
    printf '%s\000' "$target" "$(kind "$target")" "$able" "$lines"
}
"""

_COMMENT = r"""
require "$was"
make_new
cp -p -- "$target" "$new"
sed -e "$edit" <"$target" >"$new"
keep
replace
"""


async def _look(site: Site) -> Findings:
    paths = [*_PROFILES, *(site.harness_path(name) for name in _HARNESS_FILES)]
    script = KIND + assign(names=_PATTERN) + _LOOK + "".join(f"look {quote_path(path)}\n" for path in paths)
    fields = (await site.run(script)).stdout.decode("utf-8", "replace").split("\0")[:-1]
    found = {record[0]: record for record in zip(*[iter(fields)] * 4, strict=False)}  # a file may be found twice
    steps, affected, notes = [], [], _own_notes(site)
    for path, kind, able, text in found.values():
        lines = [(number, line) for number, line in _numbered(text) if _spoils(line)]
        lone = [(number, line) for number, line in lines if _LONE.fullmatch(line)]
        others = [number for number, line in lines if not _LONE.fullmatch(line)]
        if others:
            notes.append(f"{path} sets it among other things in line {', '.join(others)}: mend that by hand")
        if lone and able != "yes":
            notes.append(f"{path} sets it in line {lone[0][0]}, but may not be written: mend that by hand")
        elif lone and kind.startswith("file "):
            steps.append(_step(path, kind, [number for number, _ in lone]))
            affected += [Affected(kind="line", name=f"{path}:{number}", detail=line.strip()) for number, line in lone]
    settled = "no file sets a variable that spoils runs" if not (steps or notes) else ""
    return Findings(tuple(steps), tuple(affected), tuple(notes), nothing_to_do=settled)


def _numbered(text: str) -> list[tuple[str, str]]:
    """Return (number, line) as grep has printed them. A form feed or the like ends no line of a file."""
    entries = (entry.partition(":") for entry in text.split("\n"))
    return [(number, line.rstrip("\r")) for number, _, line in entries if number.isdecimal()]


def _own_notes(site: Site) -> list[str]:
    """Tell of the fleet file, which is the operator's own."""
    bad = [name for name in _NAMES if site.instance.env.get(name, "").strip().lower() not in _HARMLESS]
    return [f"your fleet file sets {name}={site.instance.env[name]}: remove it there" for name in bad]


def _spoils(line: str) -> bool:
    found = _SET.search(line)
    return found is not None and found[1].lower() not in _HARMLESS


def _step(path: str, kind: str, numbers: list[str]) -> RepairStep:
    # `:` does nothing: a branch of a shell script that holds nothing but a comment would be an error.
    plain = path.endswith((".toml", ".env", "environment"))
    edit = ";".join(f"{number}s/^/{'# ' if plain else ': # '}/" for number in numbers)
    backup = f"{BACKUPS}/{posixpath.basename(path).lstrip('.')}.{kind.split(' ')[1][:12]}"
    head = f"set -eu\ntarget={quote_path(path)}\nfolder={quote_path(posixpath.dirname(path))}\n"
    head += f"backup={quote_path(backup)}\n" + assign(was=kind, edit=edit)
    return RepairStep(
        what=f"keep {path} as {backup}, and comment out line {', '.join(numbers)}",
        command=head + KIND + REPLACE + _COMMENT,
    )


UNSET_VARIABLE = Repair("unset-variable", "unset a variable that spoils runs", _look, "env", beside=Beside.RUNS)
