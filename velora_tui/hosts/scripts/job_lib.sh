# Shared by the job scripts; they run in the spool, `spool` holds its physical path. Only built-ins where it is hot.

# look PID: set state, group, session and start of that process; fails where there is none.
look() {
    line=
    { IFS= read -r line; } 2>/dev/null <"/proc/$1/stat" || return 1
    # The command's name comes first, in brackets, and may itself hold blanks and brackets.
    set -- ${line##*) }
    state=$1 group=$3 session=$4
    shift 19
    start=$1
}

# alive: tell whether the process that the pid file names is still that one; sets leader.
alive() {
    leader= began= boot= booted=
    { read -r leader began boot; } 2>/dev/null <pid || return 1
    read -r booted </proc/sys/kernel/random/boot_id
    [ "$boot" = "$booted" ] && look "$leader" && [ "$start" = "$began" ] && [ "$session" = "$leader" ] &&
        [ "$state" != Z ] && [ "$state" != X ]
}

# settle SECONDS: wait for a job that is just being started to say who it is.
settle() {
    clock=0
    until [ -f pid ] || [ -f exit ] || [ ! -d started ] || [ "$clock" -ge "$(($1 * 50))" ]; do
        sleep 0.02
        clock=$((clock + 1))
    done
}

# members LEADER: set found to the processes that carry the job's marker, which may have left its group, and where
# LEADER is not empty to those of its session, without LEADER itself. Only a LEADER that `alive` has just confirmed will
# do: processes that came from outside a container all show 0 as their session.
members() {
    found=
    for entry in $(grep -lsF "VELORA_JOB=${spool:?}/" /proc/[0-9]*/environ); do
        entry=${entry#/proc/}
        claim "${entry%/environ}" "$1"
    done
    [ -n "$1" ] || return 0
    for entry in /proc/[0-9]*/stat; do
        entry=${entry#/proc/}
        entry=${entry%/stat}
        if look "$entry" && [ "$session" = "$1" ]; then claim "$entry" "$1"; fi
    done
}

# claim PID LEADER: add a living process to found, once.
claim() {
    [ "$1" != "$2" ] && look "$1" && [ "$state" != Z ] && [ "$session" -gt 0 ] || return 0
    case " $found " in *" $1 "*) ;; *) found="$found $1" ;; esac
}

# clean_up LEADER: run the job's clean-up once, when all its processes are dead; see members for LEADER.
clean_up() {
    [ -s cleanup.sh ] || return 0
    clock=0
    while members "$1"; [ -n "$found" ] && [ "$clock" -lt 300 ]; do
        sleep 0.1
        clock=$((clock + 1))
    done
    (
        set -a
        . ./env
        set +a
        cd
        exec timeout -k 5 "$cleanup_seconds" sh "$spool/cleanup.sh"
    ) </dev/null
    mv cleanup.sh cleaned.sh
}

# report: print what is known of the job, one `key value` a line.
report() {
    if [ -f exit ]; then kind=exited
    elif alive; then kind=running
    elif [ -f exit ]; then kind=exited
    elif [ -f pid ]; then kind=lost
    elif [ -d started ]; then kind=launched
    else kind=absent
    fi
    echo "kind $kind"
    if [ "$kind" = exited ]; then read -r status <exit; echo "exit_status $status"; fi
    if [ -f pid ]; then read -r leader began boot <pid; echo "pid $leader"; fi
    echo "now $(date +%s.%N)"
    stat -c 'file_%n %s %.6Y' log pid exit started 2>/dev/null
    return 0
}
