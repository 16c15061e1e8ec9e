"""A network that is really cut for two minutes: operator and instances in namespaces, four runs of the harness."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import psutil
import pytest

from tests.faults.namespaces import Link, inside, network
from tests.faults.namespaces import why_not as why_no_namespaces
from tests.harness import bench
from tests.harness.bench import CONFIG, TASK
from tests.sshd import Sshd, make_sshd, why_not
from velora_tui.domain.events import AnyEvent, AttemptStarted, RunCreated
from velora_tui.pipeline.harness.banners import PHASES
from velora_tui.pipeline.harness.job import SCRIPT
from velora_tui.store.journal import Journal
from velora_tui.store.layout import Layout

CUT_SECONDS = 120.0
# Writes while the agent works, cut or no cut; then it is the stand-in.
CHATTY = """\
#!/bin/sh
( n=0; until [ -e "$STANDIN_GATES/trajectory" ]; do n=$((n + 1)); echo "tick $n"; sleep 0.5; done ) &
exec {python} "$0.py" "$@"
"""

pytestmark = pytest.mark.sshd


@dataclass
class Machine:
    """An instance in a namespace of its own; files that appear in `gates` let its run go on."""

    name: str
    sshd: Sshd
    link: Link

    @property
    def gates(self) -> Path:
        return self.sshd.folder / "gates"

    def open_gate(self, *names: str) -> None:
        for name in names:
            (self.gates / name).touch()

    def install(self) -> None:
        """Lay out the harness in a folder whose name has a blank."""
        script = self.sshd.home / "the harness" / SCRIPT
        script.parent.mkdir(parents=True)
        shutil.copy(Path(bench.__file__).with_name("standin.py"), f"{script}.py")
        script.write_text(CHATTY.format(python=sys.executable))
        script.chmod(0o755)
        (self.sshd.home / "the harness" / "config.toml").write_text(CONFIG)
        self.gates.mkdir()

    def section(self) -> str:
        target = self.sshd.target()
        return (
            f'[[instances]]\nname = "{self.name}"\nhost = "{target.host}"\nport = {target.port}\n'
            f'user = "{target.user}"\nidentity_file = "{target.identity_file}"\nssh_config = "{target.ssh_config}"\n'
            f'known_hosts = "{target.known_hosts}"\nharness = "~/the harness"\n'
            f'env = {{ STANDIN_CASE = "resolved", STANDIN_GATES = "{self.gates}" }}\n'
        )

    def spool(self, run: str) -> Path:
        return self.sshd.home / ".velora" / "runs" / f"{run}.1" / "harness"

    def starts(self) -> int:
        return len((self.sshd.home / "starts.jsonl").read_text().splitlines())

    def reboot(self, run: str) -> None:
        """End everything there at once, sshd too; what comes up again has another boot id."""
        self.sshd.stop()
        spool = self.spool(run)
        marker = f"VELORA_JOB={spool.resolve()}/".encode()
        leader, began, _ = (spool / "pid").read_text().split()
        for process in psutil.process_iter():
            with suppress(psutil.Error, OSError):
                if process.pid == int(leader) or marker in Path(f"/proc/{process.pid}/environ").read_bytes():
                    process.kill()
        (spool / "pid").write_text(f"{leader} {began} 00000000-0000-4000-8000-000000000000\n")
        self.sshd.start()


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, list[Machine], Path]]:
    """The operator's namespace, four machines, and the operator's folder with a fleet file."""
    if reason := why_no_namespaces() or why_not():
        pytest.skip(reason)
    folder = tmp_path_factory.mktemp("cut")
    with ExitStack() as stack:
        namespace, links = stack.enter_context(network(4))
        machines = []
        for number, link in enumerate(links):
            sshd = make_sshd(folder / f"eval{number + 1}", address=link.address, launcher=link.launcher)
            stack.callback(sshd.stop)
            machines.append(Machine(f"eval{number + 1}", sshd, link))
            machines[-1].install()
        for machine in machines:
            stack.callback(machine.open_gate, "all", "trajectory")
        yield namespace, machines, operator_folder(folder / "operator", machines)


def operator_folder(folder: Path, machines: list[Machine]) -> Path:
    folder.mkdir()
    head = (
        '[fleet]\nresults = "results"\n[defaults]\nrecipe = "harness"\nmax_iterations = 30\n'
        '[s3]\nimages = "s3://images/in/here"\n[models."llm.gpt"]\nlabel = "gpt"\n'
    )
    (folder / "velora.toml").write_text(head + "".join(machine.section() for machine in machines))
    records = [{**TASK, "instance_id": f"task-{number + 1}"} for number in range(len(machines))]
    (folder / "data set.jsonl").write_text("".join(json.dumps(record) + "\n" for record in records))
    return folder


@contextmanager
def velora(namespace: str, folder: Path, *arguments: str) -> Iterator[tuple[subprocess.Popen[bytes], Path, Path]]:
    """Run a command of Velora as the operator; yield its process and the files of what it says."""
    with (
        tempfile.NamedTemporaryFile(dir=folder, prefix="out-") as out,
        tempfile.NamedTemporaryFile(dir=folder, prefix="err-") as err,
    ):
        process = subprocess.Popen(
            [*inside(namespace), sys.executable, "-m", "velora_tui", *arguments],
            cwd=folder,
            env={"PATH": os.environ["PATH"], "HOME": str(folder), "TMPDIR": str(folder), "VELORA_STATE": "state"},
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=err,
        )
        try:
            yield process, Path(out.name), Path(err.name)
        finally:
            process.send_signal(signal.SIGKILL)
            process.wait(20)


def wait_for(condition: Callable[[], object], seconds: float, what: str) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, what
        time.sleep(0.2)


def records(out: Path) -> list[dict[str, object]]:
    return [json.loads(line) for line in out.read_text().splitlines()]


def ended(out: Path) -> dict[str, dict[str, object]]:
    """Return the attempts that are over, by instance."""
    return {str(record["instance"]): record for record in records(out) if record["event"] == "attempt_finished"}


def runs_of(out: Path) -> dict[str, str]:
    """Return run ids by instance."""
    return {
        str(record["instance"]): str(record["run"]) for record in records(out) if record["event"] == "attempt_started"
    }


@pytest.mark.timeout(420)
async def test_a_cut_of_two_minutes(place: tuple[str, list[Machine], Path]) -> None:
    namespace, machines, folder = place
    ends, goes_on, reboots, unaffected = machines
    lost_sight_of = (ends, goes_on, reboots)
    command = ("run", "--json", "--force", "--dataset", "data set.jsonl", "--model", "llm.gpt")
    with velora(namespace, folder, *command) as (process, out, err):
        wait_for(lambda: len(runs_of(out)) == len(machines), 60, "the runs did not start")
        runs = runs_of(out)
        for machine in machines:
            machine.open_gate("image")
        layout = Layout.under(folder / "state", folder / "results")
        logs = {machine.name: layout.log(runs[machine.name], 1, "trajectory") for machine in machines}
        wait_for(lambda: all(log.exists() and log.stat().st_size for log in logs.values()), 60, "no agent said a word")

        for machine in lost_sight_of:
            machine.link.cut()
        cut_at = time.monotonic()
        sizes = {name: log.stat().st_size for name, log in logs.items()}
        ends.open_gate("trajectory", "all")
        unaffected.open_gate("trajectory", "all")
        reboots.reboot(runs[reboots.name])
        wait_for(lambda: unaffected.name in ended(out), 60, "the cut reached an instance whose network was whole")
        wait_for(lambda: err.read_text().count(": reconnecting") >= 3, 100, "nobody was told")
        wait_for((ends.spool(runs[ends.name]) / "exit").exists, 60, "the job needed its operator")
        assert set(ended(out)) == {unaffected.name}
        assert process.poll() is None
        assert_status_says_running(namespace, folder, [runs[machine.name] for machine in lost_sight_of])
        wait_for(lambda: time.monotonic() - cut_at >= CUT_SECONDS, CUT_SECONDS, "time stands still")
        assert all(logs[machine.name].stat().st_size <= sizes[machine.name] + 100 for machine in lost_sight_of)

        for machine in lost_sight_of:
            machine.link.mend()
        wait_for(lambda: {ends.name, reboots.name} <= set(ended(out)), 90, "the connection did not come back")
        wait_for(lambda: logs[goes_on.name].stat().st_size > sizes[goes_on.name] + 1000, 60, "the log stands still")
        assert goes_on.name not in ended(out)
        goes_on.open_gate("trajectory", "all")
        assert process.wait(90) == 3, err.read_text()
        over = ended(out)
        said = err.read_text()
    assert "Traceback" not in said
    for machine in (ends, goes_on, unaffected):
        assert (over[machine.name]["state"], over[machine.name]["outcome"]) == ("finished", "resolved"), over
        assert Path(str(over[machine.name]["results"])).joinpath("output.jsonl").exists()
        assert_whole(layout, machine, runs[machine.name])
        assert f"{machine.name}: connected again" in said or machine is unaffected
    failure = over[reboots.name]["failure"]
    assert isinstance(failure, dict)
    assert (over[reboots.name]["state"], failure["signature"]) == ("failed", "job-lost")
    assert "rebooted" in failure["message"]
    assert failure["remedy"]
    theirs = (reboots.spool(runs[reboots.name]) / "log").read_bytes()
    assert b"".join(phase_logs(layout, runs[reboots.name])).startswith(theirs)
    assert [machine.starts() for machine in machines] == [1, 1, 1, 1]
    async with Journal(layout.journal) as journal:
        assert_each_began_once(await journal.events(), runs)


def assert_status_says_running(namespace: str, folder: Path, runs: list[str]) -> None:
    with velora(namespace, folder, "status", "--json") as (process, out, err):
        assert process.wait(30) == 0, err.read_text()
        shown = {run["run"]: run for run in json.loads(out.read_text())["runs"]}
    assert {shown[run]["state"] for run in runs} == {"running"}


def phase_logs(layout: Layout, run: str) -> list[bytes]:
    logs = [layout.log(run, 1, phase) for phase in PHASES]
    return [log.read_bytes() for log in logs if log.exists()]


def assert_whole(layout: Layout, machine: Machine, run: str) -> None:
    """Check that every byte of the job's log came home once, among them those that were written during the cut."""
    theirs = (machine.spool(run) / "log").read_bytes()
    assert b"".join(phase_logs(layout, run)) == theirs
    ticks = [line for line in theirs.splitlines() if b"tick" in line]
    assert len(ticks) == len(set(ticks))


def assert_each_began_once(events: list[AnyEvent], runs: dict[str, str]) -> None:
    assert sorted(event.run for event in events if isinstance(event, RunCreated)) == sorted(runs.values())
    assert sorted(event.run for event in events if isinstance(event, AttemptStarted)) == sorted(runs.values())
