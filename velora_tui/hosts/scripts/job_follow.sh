# Standard output: the log's bytes from `offset` on. Standard error: control lines. A line of input asks how the job
# is; its end ends the following, so that nothing stays behind when the connection breaks.
export LC_ALL=C
cd "$spool" 2>/dev/null && [ -f log ] || { echo "ABSENT" >&2; exit; }
size=$(stat -c %s log)
[ "$size" -ge "$offset" ] || { echo "SHRANK $size" >&2; exit; }
tail -c "+$((offset + 1))" -f log &
followers=$!
# Rings when the exit file appears; tail polls unless one of its files is there from the start, hence job.sh.
tail -q -n 0 -F job.sh exit >&2 2>/dev/null &
followers="$followers $!"
while read -r question; do
    if [ -f exit ]; then word=END
    elif alive; then word=RUNNING
    elif [ -f exit ]; then word=END
    elif [ -f pid ]; then word=LOST
    else word=RUNNING
    fi
    case $word in
    END)
        read -r status <exit
        echo "TOOK $(stat -c %.6Y started exit | tr '\n' ' ')" >&2
        echo "END $(stat -c %s log) $status" >&2
        ;;
    LOST) echo "LOST $(stat -c %s log)" >&2 ;;
    *) echo "$word" >&2 ;;
    esac
done
kill $followers
