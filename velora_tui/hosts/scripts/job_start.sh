# Start the job once. Standard input: the env file (env_bytes), the wrapper (wrapper_bytes), the clean-up
# (cleanup_bytes), the job script (job_bytes).
mask=$(umask)
umask 077
mkdir -p "$spool" && cd "$spool" || exit 73
spool=$(pwd -P)
if [ -d started ]; then
    cat >/dev/null
    settle 10
    report
    exit
fi
command -v setsid >/dev/null || { echo "setsid is missing" >&2; exit 69; }
new=.new.$$
mkdir "$new" && trap 'rm -rf "$new"' EXIT || exit 73
head -c "$env_bytes" >"$new/env" && head -c "$wrapper_bytes" >"$new/wrapper.sh" &&
    head -c "$cleanup_bytes" >"$new/cleanup.sh" && cat >"$new/job.sh" || exit 74
sizes=$(stat -c %s "$new/env" "$new/wrapper.sh" "$new/cleanup.sh" "$new/job.sh" | tr '\n' ' ')
[ "$sizes" = "$env_bytes $wrapper_bytes $cleanup_bytes $job_bytes " ] ||
    { echo "the job's files arrived incomplete" >&2; exit 74; }
# Room for the identity and the exit status is taken now: a disk that fills up later can't swallow them.
# By cat: the shell itself would not say why it could not write.
printf '%64s\n' '' | cat >"$new/.pid" && printf '%3s\n' '' | cat >"$new/.exit" || exit 74
if mkdir started 2>/dev/null; then
    if mv "$new/env" "$new/wrapper.sh" "$new/cleanup.sh" "$new/job.sh" "$new/.pid" "$new/.exit" . && : >>log; then
        umask "$mask"
        # --fork instead of `&`: a shell's background commands ignore SIGINT, and the job would inherit that.
        setsid --fork sh "$spool/wrapper.sh" </dev/null >/dev/null || { rmdir started; exit 71; }
    else
        rmdir started
        exit 74
    fi
elif [ ! -d started ]; then
    echo "cannot create a folder in $spool" >&2
    exit 73
fi
settle 10
report
