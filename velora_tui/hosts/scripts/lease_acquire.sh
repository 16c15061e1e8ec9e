# Take a free lease. Standard input: the owner file. Prints won or taken.
umask 077
mkdir -p "${lease%/*}" || exit 73
mine=$lease.$token
trap 'rm -f "$mine"' EXIT
cat >"$mine" || exit 74
[ "$(stat -c %s "$mine")" = "$size" ] || { echo "the owner file arrived incomplete" >&2; exit 74; }
if mkdir "$lease" 2>/dev/null && ln "$mine" "$lease/owner" 2>/dev/null; then
    echo won
elif [ -d "$lease" ]; then
    echo taken
else
    echo "cannot make $lease" >&2
    exit 73
fi
