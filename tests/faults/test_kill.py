"""An operator's process that is killed at random moments of a run, and taken up by the next one."""

from __future__ import annotations

import json
import os
import random
import re
import sqlite3
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.faults.conftest import Command, Operator, make_operator
from tests.sshd import Sshd
from velora_tui.demo.fleet import DemoFleet
from velora_tui.domain.events import AnyEvent, AttemptAttached, AttemptEvent, RunCreated
from velora_tui.store.journal import Journal

KILLS = int(os.environ.get("FAULT_KILLS") or (50 if os.environ.get("CI") == "true" else 10))
SEED = int(os.environ.get("FAULT_SEED") or 3)
# The spools of a run's jobs, and the phases whose logs one behind the other are a job's log.
JOBS: Mapping[str, Sequence[str]] = {phase: (phase,) for phase in ("image", "trajectory", "evaluation")}
LIMIT_SECONDS = 60.0
NOTHING_TO_DO = "nothing to take up"

pytestmark = [pytest.mark.sshd, pytest.mark.asyncio(loop_scope="module")]


@dataclass(frozen=True)
class Course:
    """What a run left: its events without those of taking up, its logs by phase, and the files of its results."""

    run: str
    outcome: str
    steps: list[tuple[str, str, str]]
    taken_up: int
    logs: dict[str, bytes]
    files: dict[str, bytes]


@pytest.mark.timeout(120 + 12 * KILLS)
async def test_a_killed_operator_loses_nothing_and_starts_nothing_twice(
    demo: DemoFleet, sshd: Sshd, tmp_path: Path
) -> None:
    chance = random.Random(SEED)
    dataset = str(demo.runs[0].dataset)
    calm = await course_of(run_undisturbed(make_operator(tmp_path / "calm", demo, sshd), dataset), sshd)
    kills = number = 0
    moments: Counter[str] = Counter()
    while kills < KILLS:
        operator = make_operator(tmp_path / f"operator{number}", demo, sshd)
        number += 1
        now_killed = run_disturbed(operator, dataset, chance, KILLS - kills, moments)
        kills += now_killed
        course = await course_of(operator, sshd)
        assert_same(course, calm, now_killed)
        assert (sshd.home / "starts").read_text().count(f"{course.run}.1/") == 1, "the agent worked once"
        assert not (sshd.home / ".velora" / "lease").exists(), "the instance is free for the next run"
    print(f"\n{kills} kills over {number} runs, seed {SEED}, after {dict(moments)}")


def run_undisturbed(operator: Operator, dataset: str, *options: str) -> Operator:
    process = operator.start("run", "--dataset", dataset, "--model", "llm.gpt", *options, "--json")
    assert process.wait(LIMIT_SECONDS) == 0, process.out + process.err
    return operator


def run_disturbed(
    operator: Operator, dataset: str, chance: random.Random, kills: int, moments: Counter[str], *options: str
) -> int:
    """Start a run and kill whoever drives it, at most `kills` times; return how often, once the run is over.

    `moments` counts what the journal's last event was.
    """
    done = 0
    while True:
        begun = any(event.startswith("run_created") for event in journalled(operator))
        arguments = ("attach",) if begun else ("run", "--dataset", dataset, "--model", "llm.gpt", *options)
        process = operator.start(*arguments, "--json")
        if done < kills and was_killed(process, chance):
            done += 1
            moments[(journalled(operator) or ["nothing"])[-1]] += 1
            continue
        assert process.wait(LIMIT_SECONDS) == 0, process.out + process.err
        # A process that was killed right behind its last word leaves nothing to take up.
        assert NOTHING_TO_DO in process.err or json.loads(process.out.splitlines()[-1])["event"] == "attempt_finished"
        return done


def was_killed(process: Command, chance: random.Random) -> bool:
    """Kill at a random moment: of its start, or some time after one of its first words; False where it ended before."""
    kind = chance.random()
    if kind < 0.2:
        time.sleep(chance.uniform(0.2, 1.5))
    else:
        await_records(process, 1 if kind < 0.5 else chance.randint(2, 9))
        time.sleep(chance.uniform(0.0, 0.05) if kind > 0.5 else chance.uniform(0.0, 2.0))
    if process.poll() is not None:
        return False
    process.kill()
    return process.wait() < 0


def await_records(process: Command, number: int) -> None:
    """Wait until the process has told `number` events or has ended."""
    deadline = time.monotonic() + LIMIT_SECONDS
    while process.poll() is None and process.out.count("\n") < number:
        assert time.monotonic() < deadline, "it told nothing for a minute"
        time.sleep(0.005)


def journalled(operator: Operator) -> list[str]:
    """Return the kinds, and the phases, of the events that the journal holds."""
    if not operator.layout.journal.exists():
        return []
    with closing(sqlite3.connect(operator.layout.journal)) as database:
        try:
            rows = database.execute("SELECT event FROM events ORDER BY seq").fetchall()
        except sqlite3.OperationalError:  # killed before the tables were made
            return []
    events = [json.loads(text) for (text,) in rows]
    return [f"{event['event']} {event.get('phase', '')}".rstrip() for event in events]


async def course_of(operator: Operator, sshd: Sshd, jobs: Mapping[str, Sequence[str]] = JOBS) -> Course:
    """Read what the one run of `operator` left on both sides."""
    async with Journal(operator.layout.journal) as journal:
        _, runs, _ = await journal.state()
        (run,) = runs.values()
        events = await journal.events(run=run.run)
    (attempt,) = run.attempts
    logs = {phase.name: operator.layout.log(run.run, 1, phase.name).read_bytes() for phase in attempt.phases}
    for job, phases in jobs.items():
        spool = sshd.home / ".velora/runs" / f"{run.run}.1" / job
        came = b"".join(logs[phase] for phase in phases)
        assert came == (spool / "log").read_bytes(), f"the log of {job} came home whole, each byte once"
    assert attempt.outcome is not None, attempt.failure
    tree = operator.layout.attempt_results(run, 1)
    files = {str(path.relative_to(tree)): path.read_bytes() for path in tree.rglob("*") if path.is_file()}
    taken_up = sum(isinstance(event, AttemptAttached) for event in events)
    return Course(run.run, str(attempt.outcome), steps(events), taken_up, logs, files)


def steps(events: list[AnyEvent]) -> list[tuple[str, str, str]]:
    return [
        (event.event, getattr(event, "phase", ""), str(getattr(event, "state", "")))
        for event in events
        if isinstance(event, AttemptEvent | RunCreated) and not isinstance(event, AttemptAttached)
    ]


def assert_same(course: Course, calm: Course, kills: int) -> None:
    """Check a run that was taken up `kills` times against one that nobody disturbed."""
    assert course.steps == calm.steps
    assert course.taken_up <= kills
    assert course.outcome == calm.outcome
    assert {name: plain(log) for name, log in course.logs.items() if name != "collect"} == {
        name: plain(log) for name, log in calm.logs.items() if name != "collect"
    }
    assert names(course) == names(calm)
    reports = [name for name in calm.files if name.endswith(("report.json", "patch.diff"))]
    assert reports
    assert {name: course.files[name] for name in reports} == {name: calm.files[name] for name in reports}


def names(course: Course) -> list[str]:
    """Return the names of the result files, without the times that are part of some."""
    return sorted(re.sub(r"-\d{10}\.\d+", "-TIME", name) for name in course.files)


def plain(log: bytes) -> str:
    """Return a log without what differs between any two runs: ids, times, and how often progress was told."""
    text = log.decode()
    text = re.sub(r"[0-9A-Z]{26}", "RUN", text)
    text = re.sub(r"\d\d:\d\d:\d\d", "TIME", text)
    text = re.sub(r"\d+(\.\d+)? ?m?s\b", "SECONDS", text)
    return "\n".join(line for line in text.splitlines() if not re.match(r"image: (\d+ of|cached|downloading)", line))
