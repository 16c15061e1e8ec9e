# Runs the job as the leader of its own session. Set above: `limited` (yes or no), and if so the time limit as
# `first_turn_seconds` and `turns` of 5 s, and `grace_seconds`; `cleanup_seconds`.
# A trap instead of ignoring: the job gets the default action, this shell lives on to write the exit file.
ended_by=itself
trap 'ended_by=signal' TERM INT HUP
cd "${0%/*}" || exit
spool=$(pwd -P)
# This is the clean-up, in a session of its own, where whoever stops the job leaves it alone.
if [ "${1:-}" = clean_up ]; then clean_up "$2"; exit; fi
exec </dev/null >>log 2>&1
look $$
read -r boot </proc/sys/kernel/random/boot_id
{ printf '%s %s %s' "$$" "$start" "$boot" 1<>.pid && mv .pid pid; } || exit

# Sleeps in short turns, because it is ended by SIGKILL: a shell that has just been forked can swallow other signals.
watchdog() {
    sleep "$first_turn_seconds"
    turn=0
    while [ "$turn" -lt "$turns" ]; do
        sleep 5
        turn=$((turn + 1))
        # Where the job was killed with its leader, nothing is left to watch.
        if ! kill -s 0 $$; then members ''; [ -n "$found" ] || exit; fi
    done
    trap : TERM
    : >timed_out
    kill -s TERM 0
    sleep "$grace_seconds"
    read -r self line </proc/self/stat
    members $$
    for entry in $found; do
        if [ "$entry" != "$self" ]; then kill -s KILL "$entry"; fi
    done
}

if [ "$limited" = yes ]; then
    watchdog 2>/dev/null &
    guard=$!
fi
(
    set -a
    . ./env
    VELORA_JOB=$spool/
    set +a
    cd
    exec sh "$spool/job.sh"
)
status=$?
if [ -e timed_out ]; then
    status=124
    wait "$guard"
elif [ -n "${guard:-}" ]; then
    kill -s KILL "$guard" 2>/dev/null
fi
if { [ "$ended_by" = signal ] || [ "$status" -eq 124 ] || [ "$status" -gt 128 ]; } && [ -s cleanup.sh ]; then
    setsid --wait sh "$spool/wrapper.sh" clean_up $$
fi
printf '%-3d\n' "$status" 1<>.exit && mv .exit exit
