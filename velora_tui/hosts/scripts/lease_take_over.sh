# Take a lease from the owner whose token is `expected` (empty: it has no owner). Standard input: the new owner file.
# Of several only one can move the owner file away, or link one where there is none. Prints won or taken.
# `keep` (yes or no) tells whether the instance stays taken since when it was.
umask 077
taken=$(stat -c %Y "$lease" 2>/dev/null)
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
elif [ "$(($(date +%s) - $(stat -c %Y "$lease")))" -lt "$forming_seconds" ] || ! clear_owner; then
    echo taken
    exit
fi
ln "$mine" "$lease/owner" 2>/dev/null || { echo taken; exit; }
rm -f "$was"
if [ "$keep" = yes ]; then touch -c -d "@$taken" "$lease"; fi
echo won
