"""push-files: put the good copies of the critical files in place of those that differ."""

from __future__ import annotations

import asyncio
import hashlib
import posixpath
import re
from dataclasses import dataclass
from pathlib import Path

from velora_tui.domain.fleet import HARNESS, HARNESS_SCRIPT, CriticalFile
from velora_tui.domain.repair import Affected, RepairStep
from velora_tui.hosts.shell import assign, quote_path
from velora_tui.readiness.checks.check import Subject
from velora_tui.readiness.files import copies_of, files_probe, has_good_copy, no_good_copy
from velora_tui.readiness.repairs.repair import Findings, Repair, Site
from velora_tui.readiness.repairs.shell import BACKUPS, KIND, REPLACE

LIMIT_BYTES = 8 * 1024 * 1024
_AMISS = {"missing": "is missing", "differs": "differs from its checksum", "unknown": "can't be read"}

_LOOK = 'kind "$target"; printf "\\000"\n'

_PUSH = r"""
require "$was"
make_new
cat >"$new"
sum=$(sha256sum <"$new")
[ "${sum%% *}" = "$sha256" ] || { echo "the file arrived incomplete" >&2; exit 74; }
chmod -- "$mode" "$new"
keep
replace
sum=$(sha256sum <"$target")
[ "${sum%% *}" = "$sha256" ] || { echo "$target is not what was sent" >&2; exit 74; }
"""

_CHMOD = 'require "$was"\nchmod -- "$mode" "$target"\n'

_KIND = re.compile(r"(file|link) ([0-9a-f]{64}|-) ([0-7]+|-)(?: (.*))?", re.DOTALL)


@dataclass(frozen=True)
class _GoodCopy:
    """A good local copy, which has the checksum that the fleet file wants."""

    source: Path
    data_sha256: str
    size: int
    runs: bool


async def _look(site: Site) -> Findings:
    if site.check == "script" and not has_good_copy(site.fleet, HARNESS_SCRIPT):
        return Findings(refused=no_good_copy(HARNESS_SCRIPT))
    files = [file for file in site.fleet.critical_files if file.source is not None]
    if not site.fleet.critical_files:
        return Findings(refused="no critical file has a good copy: give [[critical_files]] a source in the fleet file")
    try:
        copies = await asyncio.to_thread(lambda: [_good_copy(file) for file in files])
    except OSError as error:
        return Findings(refused=f"the good copy {error.filename} can't be read: {error.strerror}")
    except ValueError as error:
        return Findings(refused=str(error))
    script = site.head + 'if [ -d "$root" ]; then printf "there\\000"; else printf "absent\\000"; fi\n' + KIND
    script += "".join(f"target={quote_path(site.harness_path(file.path))}\n{_LOOK}" for file in files)
    root, *kinds = (await site.run(script)).stdout.decode("utf-8", "replace").split("\0")[:-1]
    if root != "there":
        return Findings(refused=f"there is no harness at {site.harness}")
    return _findings(site, files, copies, [kind.strip("\n") for kind in kinds], await _without_good_copy(site))


async def _without_good_copy(site: Site) -> list[str]:
    """Return, in words, the files that are not as expected and of which there is no good copy to push."""
    files = [file for file in site.fleet.critical_files if file.source is None]
    in_root = Subject(site.instance, site.fleet, HARNESS).in_root
    told = (await site.run(files_probe(in_root, files))).text if files else ""
    copies = copies_of(site.instance.name, files, {}, told)
    return [
        f"{file.path} {_AMISS[copy.state]}, and there is no good copy: give it a `source` in the fleet file"
        for file, copy in zip(files, copies, strict=True)
        if copy.state in _AMISS
    ]


def _good_copy(file: CriticalFile) -> _GoodCopy:
    """Read the good copy. Raises OSError, and ValueError where it is not what the fleet file says."""
    assert file.source is not None
    if file.source.stat().st_size > LIMIT_BYTES:
        raise ValueError(f"the good copy {file.source} is larger than {LIMIT_BYTES} bytes")
    data = file.source.read_bytes()
    for name, wanted in (("md5", file.md5), ("sha256", file.sha256)):
        if wanted and (found := hashlib.new(name, data, usedforsecurity=False).hexdigest()) != wanted:
            raise ValueError(
                f"the good copy {file.source} has {name} {found}, the fleet file wants {wanted}: mend one of them"
            )
    runs = data.startswith(b"#!") or file.path.endswith(".sh") or bool(file.source.stat().st_mode & 0o100)
    return _GoodCopy(file.source, hashlib.sha256(data).hexdigest(), len(data), runs)


def _findings(
    site: Site, files: list[CriticalFile], copies: list[_GoodCopy], kinds: list[str], unmendable: list[str]
) -> Findings:
    steps, affected, notes = [], [], unmendable.copy()
    for file, copy, kind in zip(files, copies, kinds, strict=True):
        if kind != "absent" and not _KIND.fullmatch(kind):
            notes.append(f"{file.path} stays as it is: it is no file, or cannot be read")
        elif step := _step(site, file, copy, kind):
            steps.append(step)
            affected.append(Affected(kind="file", name=file.path, size_bytes=copy.size, detail=_detail(kind)))
    if unmendable and not steps:
        return Findings(refused="; ".join(notes))
    return Findings(tuple(steps), tuple(affected), tuple(notes), nothing_to_do="" if steps or notes else _settled(site))


def _settled(site: Site) -> str:
    names = ", ".join(posixpath.basename(file.path) for file in site.fleet.critical_files)
    return f"the critical files are as expected ({names}); if runs still fail by one of them, mend the good copy"


def _step(site: Site, file: CriticalFile, copy: _GoodCopy, kind: str) -> RepairStep | None:
    """Return what mends one file; None where it is as it should be."""
    path = site.harness_path(file.path)
    found = _KIND.fullmatch(kind)
    old_mode = int(found[3], 8) if found and found[3] != "-" else 0o644
    mode = old_mode | ((old_mode & 0o444) >> 2 if copy.runs else 0)
    head = f"set -eu\ntarget={quote_path(path)}\nfolder={quote_path(posixpath.dirname(path))}\n"
    head += assign(was=kind, mode=f"{mode:o}", sha256=copy.data_sha256)
    if found and found[2] == copy.data_sha256:
        if mode == old_mode:
            return None
        return RepairStep(what=f"make {file.path} executable: mode {mode:o}", command=head + KIND + REPLACE + _CHMOD)
    backup = f"{BACKUPS}/{file.path.lstrip('/~')}.{_old_name(found)}" if found else ""
    head += f"backup={quote_path(backup) if backup else ''}\n"
    kept = f"keep the old one as {backup}, " if backup else ""
    return RepairStep(
        what=f"{kept}put {copy.source} ({copy.size} bytes) at {path}, mode {mode:o}",
        command=head + KIND + REPLACE + _PUSH,
        upload=copy.source,
        sha256=copy.data_sha256,
    )


def _old_name(found: re.Match[str]) -> str:
    return "link" if found[1] == "link" else found[2][:12]


def _detail(kind: str) -> str:
    if kind == "absent":
        return "is missing"
    if kind.startswith("link "):
        return "is a link, which a file replaces; what it leads to stays as it is"
    return "differs"


PUSH_FILES = Repair("push-files", "push the critical files", _look, "files")
