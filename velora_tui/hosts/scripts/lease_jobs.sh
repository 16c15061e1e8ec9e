# Print the folder of each job under `spools` that runs, and how many seconds ago anything there was written.
now=$(date +%s)
for folder in "$spools"/*/; do
    cd "$folder" 2>/dev/null || continue
    if alive; then echo "running $folder"; fi
    for touched in $(stat -c %Y log exit pid 2>/dev/null); do echo "idle $((now - touched))"; done
done
exit 0
