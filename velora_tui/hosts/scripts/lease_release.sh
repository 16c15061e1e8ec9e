# Give the lease back if `token` owns it. Prints released, or other where it does not.
was=$lease/.was.$token
tries=0
# Somebody may just be looking whether this owner is the one to take over from: it comes back at once.
until mv "$lease/owner" "$was" 2>/dev/null; do
    [ -d "$lease" ] && [ "$tries" -lt 20 ] || { echo other; exit; }
    tries=$((tries + 1))
    sleep 0.05
done
if grep -qF "$token" "$was"; then
    mv "$lease" "$lease.gone.$token" && rm -rf "$lease.gone.$token"
    echo released
else
    ln "$was" "$lease/owner"
    rm -f "$was"
    echo other
fi
