#!/bin/sh
# Debian packages that some tests need. Where we may not install them, those tests skip and say why.
set -eu

missing=""
[ -x /usr/sbin/sshd ] || missing="$missing openssh-server"
command -v tmux >/dev/null || missing="$missing tmux"
command -v curl >/dev/null || missing="$missing curl"
command -v dockerd >/dev/null || [ -x /usr/sbin/dockerd ] || missing="$missing docker.io"
[ -x /usr/sbin/ip ] || [ -x /sbin/ip ] || missing="$missing iproute2"
command -v faketime >/dev/null || missing="$missing faketime"

[ -n "$missing" ] || exit 0
if [ "$(id -u)" -ne 0 ] || ! command -v apt-get >/dev/null; then
    echo "not installed, tests that need them are skipped:$missing" >&2
    exit 0
fi
export DEBIAN_FRONTEND=noninteractive
apt-get update -qq
# shellcheck disable=SC2086 # a list of words
apt-get install -qq -y --no-install-recommends $missing >/dev/null
