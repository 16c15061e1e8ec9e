"""start-docker: start the Docker daemon by the service manager of the instance."""

from __future__ import annotations

from velora_tui.domain.repair import Affected, RepairStep
from velora_tui.readiness.repairs.repair import Findings, Repair, Site

_LOOK = r"""
export LC_ALL=C
command -v docker >/dev/null || { echo nodocker; exit; }
said=$(timeout 10 docker version --format '{{.Server.Version}}' 2>&1)
case $? in
0) echo ready; exit ;;
124) echo hangs; exit ;;
esac
case $said in *"permission denied"*) echo "denied $(id -un)"; exit ;; esac
if [ -d /run/systemd/system ] && command -v systemctl >/dev/null; then start="systemctl start docker"
elif command -v service >/dev/null; then start="service docker start"
else echo nomanager; exit
fi
if [ "$(id -u)" = 0 ]; then echo "start $start"; exit; fi
command -v sudo >/dev/null || { echo "nosudo $start"; exit; }
if sudo -n -l -- $start >/dev/null 2>&1; then echo "start sudo -n $start"; else echo "password $start"; fi
"""

_WAIT = r"""
tries=0
until timeout 5 docker version >/dev/null 2>&1; do
    tries=$((tries + 1))
    [ "$tries" -lt 60 ] || { echo "Docker was started but does not answer" >&2; exit 69; }
    sleep 0.5
done
"""

_ENDS = {
    "nodocker": "Docker is not installed there",
    "hangs": "the Docker daemon runs but does not answer within 10 s: restart it by hand",
    "denied": "Docker runs, but {rest} may not use it: add that user to the group docker, and log in anew",
    "nomanager": "there is neither systemctl nor service: start Docker by hand",
    "nosudo": "starting Docker needs root, and there is no sudo: run `{rest}` as root",
    "password": "sudo asks for a password there: run `sudo {rest}` by hand",
}


async def _look(site: Site) -> Findings:
    word, _, rest = (await site.run(_LOOK)).text.rpartition("\n")[2].partition(" ")
    if word == "ready":
        return Findings(nothing_to_do="Docker answers")
    if word != "start":
        return Findings(refused=_ENDS.get(word, "Docker's state cannot be told").format(rest=rest))
    step = RepairStep(
        what="start the Docker daemon and wait until it answers",
        command=f"{rest} || exit\n{_WAIT}",
        time_limit_seconds=400,
    )
    return Findings((step,), (Affected(kind="service", name="docker"),))


START_DOCKER = Repair("start-docker", "start Docker", _look, "docker")
