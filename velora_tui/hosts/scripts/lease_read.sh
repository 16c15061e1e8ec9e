# Print how long ago the lease was touched and how long ago it was taken, in seconds, and its owner file; nothing where
# the lease is free. Taking it over or making it changes the folder, renewing it only the file in it.
taken=$(stat -c %Y "$lease" 2>/dev/null) || exit 0
touched=$(stat -c %Y "$lease/owner" 2>/dev/null || echo "$taken")
now=$(date +%s)
echo "$((now - touched)) $((now - taken))"
head -c 65536 "$lease/owner" 2>/dev/null
exit 0
