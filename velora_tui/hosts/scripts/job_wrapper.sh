# Runs the job as the leader of its own session; `limit_seconds` (0: none) and `grace_seconds` are set above.
# A trap instead of ignoring: the job gets the default action, this shell lives on to write the exit file.
trap : TERM INT HUP
cd "${0%/*}" || exit
spool=$(pwd -P)
exec </dev/null >>log 2>&1
look $$
read -r boot </proc/sys/kernel/random/boot_id
{ printf '%s %s %s' "$$" "$start" "$boot" 1<>.pid && mv .pid pid; } || exit

watchdog() {
    # $! and no variable of its own: the signal may come right behind the launch.
    trap 'kill "$!"; exit' TERM
    sleep "$limit_seconds" &
    wait "$!"
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

if [ "$limit_seconds" != 0 ]; then
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
if [ -n "${guard:-}" ]; then
    if [ -e timed_out ]; then status=124; else kill -s TERM "$guard" 2>/dev/null; fi
    wait "$guard"
fi
printf '%-3d\n' "$status" 1<>.exit && mv .exit exit
