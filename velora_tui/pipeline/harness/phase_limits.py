"""Time limits of the script's phases, kept on the instance: they hold whoever watches, and when nobody does."""

from __future__ import annotations

from math import ceil

from velora_tui.domain.fleet import Fleet
from velora_tui.hosts.scripts import script_text
from velora_tui.hosts.shell import assign
from velora_tui.pipeline.harness.banners import LOCATING, OPENING, PHASES
from velora_tui.pipeline.limits import time_limit_seconds

_LONGEST_TURN_SECONDS = 1.0

# Run beside the script, in the harness's root. By the log's banners it knows the phase, as BannerCutter does; where a
# version has none of them, only the whole job's limit holds. Titles are looked for in what is new, less their length.
_WATCH = r"""
dress=$(printf '\033\\[[0-9;]*m|\r')

ticks() { read -r clock line </proc/uptime; clock=${clock%.*}; }

# note PHASE: keep when it began, by a clock that nobody sets.
note() { read -r moment line </proc/uptime && echo "$1 $moment" >>"$spool/phases"; }

enter() {
    phase=$1
    ticks
    phase_began=$clock
    case $phase in
    image) limit=$image_seconds phase_began=$job_began ;;
    trajectory) limit=$trajectory_seconds ;;
    evaluation) limit=$evaluation_seconds ;;
    report) limit=$report_seconds ;;
    esac
    if [ "$phase" != image ]; then note "$phase"; fi
}

read_banners() {
    size=$(stat -c %s "$spool/log")
    if [ "$size" = "$read_to" ]; then return; fi
    from=$((read_to > 128 ? read_to - 128 : 0))
    read_to=$size
    titles="DOWNLOADING DOCKER IMAGE.*|$opening_trajectory|$locating|$opening_evaluation|$opening_report"
    titles=$(tail -c "+$((from + 1))" "$spool/log" | head -c "$((size - from))" |
        grep -axE "($dress)*($titles)($dress)*" | sed -E "s/$dress//g")
    while read -r title; do
        case "$phase $located $title" in
        " "*" DOWNLOADING "*) enter image ;;
        trajectory*" $opening_trajectory" | evaluation*" $opening_evaluation" | report*" $opening_report") ;;
        " "*" $opening_trajectory" | image*" $opening_trajectory") enter trajectory ;;
        *" $locating") located=yes ;;
        report*) ;;
        *" yes $opening_evaluation") enter evaluation ;;
        *" yes $opening_report") enter report ;;
        esac
    done <<END
$titles
END
}

end_script() {
    trap : TERM
    echo "velora: $phase did not end within $limit s"
    : >"$spool/over_limit"
    kill -s TERM 0
    for try in 1 2 3 4 5 6 7 8 9 10; do
        if [ -z "$(others)" ]; then return; fi
        sleep 0.5
    done
    kill -s KILL $(others)
}

others() {
    read -r self line </proc/self/stat
    members "$PPID"
    for entry in $found; do
        case $entry in "$self" | "$$" | "$watcher") ;; *) printf ' %s' "$entry" ;; esac
    done
}

watch_phases() {
    unset VELORA_JOB
    read -r watcher line </proc/self/stat
    phase= located=no read_to=0
    ticks
    job_began=$clock
    note image
    while sleep "$turn_seconds" && kill -s 0 $$; do
        read_banners
        ticks
        if [ -n "$phase" ] && [ "$((clock - phase_began))" -ge "$limit" ]; then end_script; exit; fi
    done
}
"""


def watcher(fleet: Fleet) -> str:
    """Return sh code with the function `watch_phases`, to be run in the background of a job's script.

    It ends a phase that takes too long with a line in the log, and leaves `over_limit` in the spool. `phases` there
    keeps each phase and the uptime in seconds at which it began, to a turn.
    """
    limits = {phase: ceil(time_limit_seconds(fleet, phase)) for phase in PHASES}
    turn_seconds = min(_LONGEST_TURN_SECONDS, min(limits.values()) / 5)
    values = assign(
        **{f"{phase}_seconds": seconds for phase, seconds in limits.items()},
        **{f"opening_{phase}": title for phase, title in OPENING.items()},
        locating=LOCATING,
        turn_seconds=f"{turn_seconds:.3f}",
    )
    return f"spool=${{VELORA_JOB%/}}\n{values}{script_text('job_lib.sh')}{_WATCH}"
