"""Where a task's code runs on an instance. `process` needs no Docker: the image is unpacked into a folder."""

from __future__ import annotations

from dataclasses import dataclass
from shlex import quote

IMAGES = '"$HOME"/.velora/images'

# Archives come from outside: only plain files and folders, and only below where they are unpacked.
CHECK_ARCHIVE = r"""
check_archive() {
    if ! tar -tf "$1" > "$1.names" 2> "$1.errors"; then cat "$1.errors"; return 1; fi
    if grep -qE '(^|/)\.\.(/|$)|^/' "$1.names"; then
        echo "velora: unsafe archive: a path leaves its folder: $(grep -m1 -E '(^|/)\.\.(/|$)|^/' "$1.names")"; return 1
    fi
    if tar -tvf "$1" | grep -qv '^[-d]'; then
        echo "velora: unsafe archive: a link or device: $(tar -tvf "$1" | grep -m1 -v '^[-d]')"; return 1
    fi
    rm -f "$1.names" "$1.errors"
}
"""


@dataclass(frozen=True)
class ProcessSandbox:
    """An unpacked copy of the image at `folder` (a remote path below ~); the repository is at app/repo in it."""

    image_file: str
    folder: str

    def create(self) -> str:
        """Return the script that makes the sandbox anew and leaves its path in $sandbox."""
        return (
            f'sandbox="$HOME"/{quote(self.folder.removeprefix("~/"))}\n'
            'rm -rf "$sandbox" && mkdir -p "$sandbox" || exit 1\n'
            f'tar -xf {IMAGES}/{quote(self.image_file)} -C "$sandbox" --no-same-owner || exit 1\n'
            'if [ ! -d "$sandbox/app/repo" ]; then echo "velora: the image has no /app/repo"; exit 1; fi\n'
        )

    def enter(self) -> str:
        """Return the script that goes to the repository, with the image's environment and without proxies."""
        return (
            'for file in "$sandbox"/saved/ENV "$sandbox"/saved/*/ENV; do\n'
            '    if [ -f "$file" ]; then . "$file"; fi\n'
            "done\n"
            "unset http_proxy https_proxy ftp_proxy all_proxy no_proxy "
            "HTTP_PROXY HTTPS_PROXY FTP_PROXY ALL_PROXY NO_PROXY\n"
            'cd "$sandbox/app/repo" || exit 1\n'
        )
