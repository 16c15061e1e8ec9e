"""git-init: make the harness a git repository with one commit, which it asks for its own version."""

from __future__ import annotations

from velora_tui.domain.repair import Affected, RepairStep
from velora_tui.readiness.repairs.repair import Findings, Repair, Site

# What must not get into a commit: task images and results, which are large, and keys.
_EXCLUDED = ("*.tar", "evaluation/evaluation_outputs/", "config.toml", ".env")

_LOOK = r"""
export LC_ALL=C
cd -- "$root" 2>/dev/null || { echo absent; exit; }
command -v git >/dev/null || { echo nogit; exit; }
said=$(git rev-parse -q --verify HEAD 2>&1) && { echo ready; exit; }
case $said in *dubious*) echo foreign; exit ;; esac
echo empty
find . -name .git -prune -o -path ./evaluation/evaluation_outputs -prune -o -name '*.tar' -o -type f -printf '%s\n' |
    awk '{ size += $1 } END { printf "%d %.0f\n", NR, size }'
"""

_INIT = "set -e\ncd -- \"$root\"\ngit init -q\nprintf '%s\\n' {patterns} >>.git/info/exclude\n"
_COMMIT = (
    'cd -- "$root" && git -c user.name=Velora -c user.email=velora@localhost -c commit.gpgSign=false '
    "commit -q --no-verify --allow-empty -m 'The harness as it stands on this instance'\n"
)

_ENDS = {
    "absent": "there is no harness at {root}",
    "nogit": "git is not installed there",
    "foreign": "{root} belongs to another user, so git refuses it: `git config --global --add safe.directory` there",
}


async def _look(site: Site) -> Findings:
    answer, *counted = (await site.run(site.head + _LOOK, time_limit_seconds=120)).text.split("\n")
    if answer == "ready":
        return Findings(nothing_to_do="the harness is a git repository with a commit")
    if answer in _ENDS:
        return Findings(refused=_ENDS[answer].format(root=site.harness))
    count, _, size = (counted or ["0 0"])[0].partition(" ")
    steps = (
        RepairStep(
            what=f"make {site.harness} a git repository that leaves out {', '.join(_EXCLUDED)}",
            command=site.head + _INIT.format(patterns=" ".join(f"'{pattern}'" for pattern in _EXCLUDED)),
        ),
        RepairStep(what="add its files", command=f'{site.head}cd -- "$root" && git add -A\n', time_limit_seconds=900),
        RepairStep(
            what="commit them as Velora, with no setting changed", command=site.head + _COMMIT, time_limit_seconds=300
        ),
    )
    whole = Affected(
        kind="folder",
        name=site.harness,
        size_bytes=int(size) if size.isdigit() else None,
        detail=f"at most {count} files are committed, fewer where .gitignore leaves some out",
    )
    return Findings(steps, (whole,))


GIT_INIT = Repair("git-init", "make the harness a git repository", _look, "git")
