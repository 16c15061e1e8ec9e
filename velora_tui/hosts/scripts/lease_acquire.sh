# Take a free lease. Standard input: the owner file. Prints won or taken.
umask 077
mkdir -p "${lease%/*}" || exit 73
mine=$lease.$token
trap 'rm -f "$mine"' EXIT
cat >"$mine" || exit 74
[ "$(stat -c %s "$mine")" = "$size" ] || { echo "the owner file arrived incomplete" >&2; exit 74; }
tries=0
while ! mkdir "$lease" 2>/dev/null; do
    if [ -d "$lease" ]; then
        echo taken
        exit
    fi
    # Where it was just given back, it can be made now.
    tries=$((tries + 1))
    [ "$tries" -lt 5 ] || { echo "cannot make $lease" >&2; exit 73; }
done
if ln "$mine" "$lease/owner" 2>/dev/null; then echo won; else echo taken; fi
