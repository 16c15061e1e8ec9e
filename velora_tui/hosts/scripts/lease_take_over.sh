# Take a lease from the owner whose token is `expected` (empty: it has no owner). Standard input: the new owner file.
# Of several only one can move the owner file away, or link one where there is none. Prints won or taken.
umask 077
mine=$lease.$token
was=$lease/.was.$token
trap 'rm -f "$mine" "$was"' EXIT
cat >"$mine" || exit 74
[ "$(stat -c %s "$mine")" = "$size" ] || { echo "the owner file arrived incomplete" >&2; exit 74; }
if [ -n "$expected" ]; then
    grep -qsF "$expected" "$lease/owner" && mv "$lease/owner" "$was" 2>/dev/null || { echo taken; exit; }
    if ! grep -qF "$expected" "$was"; then
        ln "$was" "$lease/owner"
        echo taken
        exit
    fi
elif [ "$(($(date +%s) - $(stat -c %Y "$lease")))" -lt "$forming_seconds" ]; then
    echo taken
    exit
fi
if ln "$mine" "$lease/owner" 2>/dev/null; then echo won; else echo taken; fi
