"""kill-stray: end a run that was started by hand, with all its processes and containers.

A process is known by its number and its start time, so that another one that got the number is never touched.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from velora_tui.domain.fleet import HARNESS
from velora_tui.domain.repair import Affected, RepairStep
from velora_tui.hosts.shell import assign
from velora_tui.readiness.checks.check import Subject
from velora_tui.readiness.checks.runs import CHECKS, SECRET_WORDS
from velora_tui.readiness.repairs.docker import Container, docker_holdings
from velora_tui.readiness.repairs.repair import Beside, Findings, Repair, Site

GRACE_SECONDS = 10
_TICKS_APART = timedelta(seconds=0.05)  # the kernel tells a process's start and its own in ticks
_CONTAINERS = ("openhands-runtime-", "eval_pilot2_")  # as the harness names those that it starts

_CLOCK = r"""
if sudo -n -l kill >/dev/null 2>&1; then sudo=yes; else sudo=no; fi
echo "clock $(getconf CLK_TCK) $(date +%s.%N) $(cut -d ' ' -f 1 /proc/uptime) $(id -u) $sudo"
cat /proc/[0-9]*/stat 2>/dev/null
true
"""
_DESCRIBE = r"""
for pid in $pids; do
    owner=$(stat -c '%u %U' "/proc/$pid" 2>/dev/null) || continue
    printf '%s %s %s\000' "$pid" "$owner" "$(tr '\000\n' '  ' 2>/dev/null <"/proc/$pid/cmdline" | head -c 400)"
done
"""

# tree ENTRIES: print those of the `pid:start` entries that still live, and all that descends from them.
_KILL = r"""
export LC_ALL=C
tree() {
    cat /proc/[0-9]*/stat 2>/dev/null | awk -v roots="$1" '
        { pid = $1; sub(/^.*\) /, ""); state[pid] = $1; parent[pid] = $2; entry[pid] = pid ":" $20 }
        END {
            count = split(roots, wanted, " ")
            for (pid in entry) for (i = 1; i <= count; i++) if (wanted[i] == entry[pid]) found[pid] = 1
            do {
                more = 0
                for (pid in entry) if (!(pid in found) && (parent[pid] in found)) { found[pid] = 1; more = 1 }
            } while (more)
            for (pid in found) if (state[pid] != "Z" && state[pid] != "X") print entry[pid]
        }'
}
end() {
    for entry in $left; do $as_root kill -s "$1" "${entry%:*}"; done
}
# wait_for TURNS of a fifth of a second, until nothing is left.
wait_for() {
    turn=0
    while left=$(tree "$left"); [ -n "$left" ] && [ "$turn" -lt "$1" ]; do sleep 0.2; turn=$((turn + 1)); done
    [ -z "$left" ]
}
left=$(tree "$roots")
end TERM
wait_for $((grace_seconds * 5)) && exit 0
end KILL
wait_for 25 && exit 0
echo "still alive: $left" | tr '\n' ' ' >&2
exit 70
"""

_STAT = re.compile(r"^(\d+) \((.{0,64}?)\) [A-Za-z] (\d+)((?: -?\d+)+)$", re.MULTILINE | re.DOTALL)
_SECRET = re.compile(rf"(?i)((?:{SECRET_WORDS})[\w-]*[=:\s]\s*)\S+")


@dataclass(frozen=True)
class _Process:
    pid: int
    parent: int
    start_ticks: int


@dataclass(frozen=True)
class _Clock:
    ticks_per_second: int
    booted: float
    user_id: str
    sudo: bool

    def since(self, process: _Process) -> datetime:
        return datetime.fromtimestamp(self.booted + process.start_ticks / self.ticks_per_second, UTC)


async def _look(site: Site) -> Findings:
    probe = CHECKS[0].probe
    assert probe is not None
    found = (await site.run(probe(Subject(site.instance, site.fleet, HARNESS)))).text
    matched = {int(line.split()[0]) for line in found.splitlines() if line.split()[0:1] and line.split()[0].isdigit()}
    if not matched:
        return Findings(nothing_to_do="no run that was started by hand is there")
    head, _, rest = (await site.run(_CLOCK)).text.partition("\n")
    _, ticks, now, uptime_seconds, user_id, sudo = head.split()
    clock = _Clock(int(ticks), float(now) - float(uptime_seconds), user_id, sudo == "yes")
    processes = {
        int(entry[1]): _Process(int(entry[1]), int(entry[3]), int(entry[4].split()[17]))
        for entry in _STAT.finditer(rest)
    }
    roots = [processes[pid] for pid in sorted(matched) if pid in processes and not _ancestors(processes, pid) & matched]
    if not roots:
        return Findings(nothing_to_do="the run that was started by hand has just ended")
    return await _findings(site, clock, roots, _tree(processes, roots))


async def _findings(site: Site, clock: _Clock, roots: list[_Process], tree: list[_Process]) -> Findings:
    told = await site.run(assign(pids=" ".join(str(process.pid) for process in tree)) + _DESCRIBE)
    facts = [entry.split(" ", 3) for entry in told.stdout.decode("utf-8", "replace").split("\0") if entry]
    owners = {int(fact[0]): fact[1] for fact in facts}
    others = clock.user_id != "0" and any(owners.get(root.pid, clock.user_id) != clock.user_id for root in roots)
    if others and not clock.sudo:
        return Findings(refused=f"the run is {facts[0][2]}'s, and sudo asks for a password there: end it by hand")
    values = assign(
        roots=" ".join(f"{root.pid}:{root.start_ticks}" for root in roots),
        grace_seconds=GRACE_SECONDS,
        as_root="sudo -n" if others else "",
    )
    many = f"{len(roots)} runs" if len(roots) > 1 else f"the run of process {roots[0].pid}"
    step = RepairStep(
        what=f"end {many} with all descendants: SIGTERM, and SIGKILL to what is left after {GRACE_SECONDS} s",
        command=values + _KILL,
        time_limit_seconds=GRACE_SECONDS + 60,
    )
    since = {process.pid: clock.since(process) for process in tree}
    affected = [_affected(fact, since[int(fact[0])]) for fact in facts]
    steps = [step]
    if containers := await _containers(site, min(since.values()) - _TICKS_APART):
        what = f"remove {len(containers)} container{'s' if len(containers) > 1 else ''} that it started"
        ids = " ".join(container.id for container in containers)
        steps.append(RepairStep(what=what, command=f"docker rm -f {ids}\n", time_limit_seconds=120))
        affected += [Affected(kind="container", name=one.name, detail=f"of {one.image_name}") for one in containers]
    return Findings(tuple(steps), tuple(affected))


async def _containers(site: Site, since: datetime) -> list[Container]:
    """Return the containers that a run of the harness has started since; nothing else runs on the instance then."""
    holdings = await docker_holdings(site)
    return [
        container
        for container in holdings.containers
        if container.name.startswith(_CONTAINERS) and container.created and container.created >= since
    ]


def _affected(fact: list[str], since: datetime) -> Affected:
    pid, _, user, command = fact
    began = f"{since.astimezone():%Y-%m-%d %H:%M:%S}"
    shown = _SECRET.sub(r"\1…", command.strip())
    return Affected(kind="process", name=pid, detail=f"of {user} since {began}: {shown}")


def _ancestors(processes: dict[int, _Process], pid: int) -> set[int]:
    found: set[int] = set()
    while (process := processes.get(pid)) and process.parent not in found:
        pid = process.parent
        found.add(pid)
    return found


def _tree(processes: dict[int, _Process], roots: list[_Process]) -> list[_Process]:
    """Return `roots` and all their descendants."""
    numbers = {root.pid for root in roots}
    return [one for one in processes.values() if one.pid in numbers or _ancestors(processes, one.pid) & numbers]


KILL_STRAY = Repair("kill-stray", "end a run that was started by hand", _look, "busy", beside=Beside.STRAYS)
