# Print how long ago the lease was touched, in seconds, and its owner file; nothing where the lease is free.
touched=$(stat -c %Y "$lease/owner" 2>/dev/null || stat -c %Y "$lease" 2>/dev/null) || exit 0
echo "$(($(date +%s) - touched))"
head -c 65536 "$lease/owner" 2>/dev/null
exit 0
