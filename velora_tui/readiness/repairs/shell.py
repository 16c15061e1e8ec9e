"""Shell functions that repairs of files share: nothing is overwritten that nobody looked at, or that is not kept."""

from __future__ import annotations

BACKUPS = "~/.velora/backups"

CHANGED_STATUS = 75

# kind PATH: what is there, as `file SHA256 MODE`, `link SHA256|- MODE|- DESTINATION`, other, unreadable or absent.
KIND = r"""
kind() {
    sum=- mode=-
    if [ -f "$1" ]; then
        sum=$(sha256sum <"$1" 2>/dev/null) || { echo unreadable; return; }
        sum=${sum%% *} mode=$(stat -L -c %a -- "$1")
    fi
    if [ -L "$1" ]; then echo "link $sum $mode $(readlink -- "$1")"
    elif [ -f "$1" ]; then echo "file $sum $mode"
    elif [ -e "$1" ]; then echo other
    else echo absent
    fi
}
"""

# require WAS: end where `target` is no longer what it was. keep: hold the old file at `backup`; a hard link needs no
# room. replace: put `new` in place of `target`, in one move.
REPLACE = r"""
require() {
    [ "$(kind "$target")" = "$1" ] || { echo "$target has changed since it was looked at" >&2; exit 75; }
}
make_new() {
    mkdir -p -- "$folder"
    new=$(mktemp -- "$folder/.velora-new.XXXXXX")
    trap 'rm -f -- "$new"' EXIT
    trap 'exit 143' HUP INT TERM
}
keep() {
    [ -n "$backup" ] || return 0
    (umask 077; mkdir -p -- "${backup%/*}")
    if [ -e "$backup" ] || [ -L "$backup" ]; then return; fi
    ln -P -- "$target" "$backup" 2>/dev/null ||
        { cp -Pp -- "$target" "$backup.$$" && mv -T -- "$backup.$$" "$backup"; } ||
        { rm -f -- "$backup.$$"; exit 74; }
}
replace() {
    if [ -f "$target" ]; then chown --reference="$target" -- "$new" 2>/dev/null || true; fi
    mv -fT -- "$new" "$target"
}
"""
