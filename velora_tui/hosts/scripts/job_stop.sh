# End the job and all its processes: SIGTERM, after `grace_seconds` SIGKILL. Prints the report, `killed` and `left`.
cd "$spool" 2>/dev/null || { echo "kind absent"; exit; }
spool=$(pwd -P)
settle 2
running= killed=no
if [ ! -f exit ] && alive; then running=$leader; fi

uptime() { read -r clock line </proc/uptime; clock="${clock%.*}${clock#*.}"; }
end() { for entry in $found; do kill -s KILL "$entry" 2>/dev/null; done; }
# drain SECONDS: wait until no process of the job is left.
drain() {
    uptime
    deadline=$((clock + $1 * 100))
    while members "$running"; [ -n "$found" ] && uptime && [ "$clock" -lt "$deadline" ]; do sleep 0.05; done
    [ -z "$found" ]
}

members "$running"
if [ -n "$running" ]; then kill -s TERM -- "-$running" 2>/dev/null; fi
for entry in $found; do
    if look "$entry" && [ "$group" != "$running" ]; then kill -s TERM "$entry" 2>/dev/null; fi
done
if ! drain "$grace_seconds"; then
    killed=yes
    end
    until drain 1 || [ "${tries:=0}" -ge 5 ]; do
        end
        tries=$((tries + 1))
    done
fi
# The wrapper cleans up, and needs a moment to write the exit file; where it can't, this script does.
if [ -n "$running" ]; then
    tries=0 limit=100
    if [ -s cleanup.sh ]; then limit=$((100 + cleanup_seconds * 50)); fi
    while [ ! -f exit ] && alive && [ "$tries" -lt "$limit" ]; do sleep 0.02; tries=$((tries + 1)); done
    if [ ! -f exit ]; then
        killed=yes
        if alive; then kill -s KILL -- "-$running" 2>/dev/null; fi
        printf '%-3d\n' 137 1<>.exit && mv .exit exit
    fi
fi
# Not into the log: whoever follows the job has heard that it is at its end.
if [ -n "$running" ] || { [ -f pid ] && [ ! -f exit ]; }; then clean_up '' >>cleanup.log 2>&1; fi
report
echo "killed $killed"
echo "left$found"
