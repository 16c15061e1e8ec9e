"""Runs of the harness as an operator has them: started right, watched, stopped, killed, retried, behind SSH."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import sys
from pathlib import Path
from typing import Any

import psutil
import pytest

from tests.engine.following import ended, phase_of, until
from tests.harness.bench import Bench, Shown, joined_logs
from velora_tui.domain.events import AttemptState, LogGrew, PhaseState
from velora_tui.domain.report import Outcome
from velora_tui.errors import UsageError
from velora_tui.pipeline.harness.banners import PHASES
from velora_tui.pipeline.harness.job import SCRIPT
from velora_tui.store.results import load_result

VERSIONS = pytest.mark.parametrize("version", ["january", "february"])


async def test_the_script_gets_what_it_needs(bench: Bench) -> None:
    bench.task["repo"], bench.task["image_storage_uri"] = "Owner/Name", "s3://other/place/Owner_Name-abc.tar"
    env = {"LOG_ALL_EVENTS": "false", "AWS_PROFILE": "ours"}
    bench.reach = {**bench.reach, "docker_socket": "/run/ours/docker.sock"}
    shown = await bench.run("resolved", env=env)
    ((_, arguments, folder, seen),) = bench.starts()
    dataset = Path(arguments[2])
    assert arguments == [f"./{SCRIPT}", "llm.gpt", str(dataset), "1", "30", "1"]
    assert folder == str(bench.root)
    assert shown.run.run in dataset.name
    assert f"{bench.home}/.local/bin" in seen["PATH"].split(":")
    assert seen["PYTHONPATH"] == str(bench.root)
    assert (seen["S3_BUCKET"], seen["S3_PREFIX"]) == ("other", "place")
    assert (seen["USE_SWELANCER_MONOLITH"], seen["RUN_NUMBER"]) == ("false", "1")
    assert (seen["LOG_ALL_EVENTS"], seen["AWS_PROFILE"]) == ("false", "ours")
    assert seen["DOCKER_HOST"] == "unix:///run/ours/docker.sock"
    assert {"EVAL_OUTPUT_FILE", "OUTPUT_DIR", "INSTANCE_ID"} <= set(seen)
    sent = json.loads(dataset.read_text())
    assert sent["image_storage_uri"] == "Owner_Name:abc"
    assert sent["environment_setup_commit"] == "def456"
    assert "language" not in sent


@pytest.mark.parametrize("phase", PHASES)
@VERSIONS
async def test_a_killed_operator_loses_and_repeats_nothing(bench: Bench, phase: str, version: str) -> None:
    for earlier in PHASES[: PHASES.index(phase)]:
        bench.open_gate(earlier)
    fleet = bench.fleet("resolved", version, env={"STANDIN_GATES": str(bench.gates)})
    await kill_in_phase(bench, fleet.model_dump_json(), phase)
    async with bench.engine("resolved", version) as engine:
        with engine.observe() as subscription:
            (run,) = await engine.attach()
            assert run.attempt is not None
            assert run.attempt.phase(phase).state is PhaseState.RUNNING
            bench.open_gate("all")
            (attempt,) = await ended(engine, subscription, [run])
        shown = Shown(engine, engine.run(run.run), attempt)
    assert (attempt.state, attempt.outcome) == (AttemptState.FINISHED, Outcome.RESOLVED), attempt.failure
    assert joined_logs(shown) == bench.job_log(shown)
    assert all(shown.log(name) for name in PHASES)
    assert len(bench.starts()) == 1


async def kill_in_phase(bench: Bench, fleet: str, phase: str, behind: bytes = b"") -> None:
    """Start a run in a process of its own and kill that where `phase` has written something that has `behind` in it."""
    arguments = (fleet, str(bench.folder / "state"), bench.request().model_dump_json())
    environment = {name: value for name, value in os.environ.items() if name != "COV_CORE_SOURCE"}
    operator = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "tests.harness.operator_process", *arguments, env=environment
    )
    async with asyncio.timeout(60):
        logs = bench.folder / "state" / "logs"
        while not any((data := log.read_bytes()) and behind in data for log in logs.glob(f"*/1/{phase}.log")):
            assert operator.returncode is None
            await asyncio.sleep(0.02)
    operator.kill()
    await operator.wait()


async def test_stop_ends_the_script_and_its_containers(bench: Bench) -> None:
    calls = fake_docker(bench)
    bench.open_gate("image")
    async with bench.engine("resolved", env={"STANDIN_GATES": str(bench.gates)}) as engine:
        with engine.observe() as subscription:
            run = await engine.start(bench.request())
            await phase_of(subscription, run, "trajectory")
            await until(subscription, lambda event: isinstance(event, LogGrew) and event.phase == "trajectory")
            await engine.stop(run.run)
            (attempt,) = await ended(engine, subscription, [run])
    assert attempt.state is AttemptState.STOPPED
    assert attempt.phase("trajectory").state is PhaseState.STOPPED
    ((pid, *_),) = bench.starts()
    assert not psutil.pid_exists(pid)
    assert [call for call in calls.read_text().splitlines() if call.startswith("rm")] == ["rm -f young"]


def fake_docker(bench: Bench) -> Path:
    """Put a docker on the PATH that knows an old and a young container; return the file of its calls."""
    calls, docker = bench.folder / "docker_calls", bench.home / ".local" / "bin" / "docker"
    docker.parent.mkdir(parents=True)
    docker.write_text(
        f"#!/bin/sh\necho \"$@\" >>'{calls}'\n"
        'case "$1 $4" in\n"ps "*) echo old young theirs;;\n'
        '"inspect old") echo 2020-01-01T00:00:00.5Z /openhands-runtime-old;;\n'
        '"inspect young") date -u "+%Y-%m-%dT%H:%M:%S.%NZ /eval_pilot2_1";;\n'
        '"inspect theirs") date -u "+%Y-%m-%dT%H:%M:%S.%NZ /my-openhands-runtime-x";;\nesac\n'
    )
    docker.chmod(0o755)
    return calls


async def test_a_job_that_vanished_is_lost_unless_it_had_been_graded(bench: Bench) -> None:
    bench.open_gate("image")
    for gate, signature in (("trajectory", "job-lost"), ("evaluation", None)):
        async with bench.engine("resolved", env={"STANDIN_GATES": str(bench.gates)}) as engine:
            with engine.observe() as subscription:
                run = await engine.start(bench.request())
                phase = {"trajectory": "trajectory", "evaluation": "report"}[gate]
                await until(
                    subscription, lambda event, phase=phase: isinstance(event, LogGrew) and event.phase == phase
                )
                kill_session(bench)
                (attempt,) = await ended(engine, subscription, [run])
        assert (attempt.failure.signature if attempt.failure else None) == signature
        bench.open_gate("trajectory")
        bench.open_gate("evaluation")
    assert attempt.outcome is Outcome.RESOLVED


def kill_session(bench: Bench) -> None:
    """End the script and all that belongs to it as a reboot would: without a last word."""
    pid = bench.starts()[-1][0]
    session = os.getsid(pid)
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.NoSuchProcess, ProcessLookupError):
            if os.getsid(process.pid) == session:
                process.kill()


@pytest.mark.parametrize(("case", "own"), [("other-run", "a patch of 169 B"), ("empty-but-graded", "no patch")])
async def test_a_void_verdict_tells_where_the_right_trajectory_is(bench: Bench, case: str, own: str) -> None:
    shown = await bench.run(case, "february")
    assert shown.failure.signature == "verdict-void"
    assert f"its own trajectory, with {own}, was not evaluated" in shown.failure.message
    (output,) = bench.root.glob(f"**/*{shown.run.run}.1*/**/output.jsonl")
    kept = shown.engine.layout.work(shown.run.run, 1) / "not_evaluated"
    for place in (f"stays in {output}", f"a copy is in {kept}", f"{bench.root}/evaluation/evaluation_outputs/Traj"):
        assert place in shown.failure.remedy
    assert (kept / "output.jsonl").read_bytes() == output.read_bytes()


async def test_a_retry_begins_at_the_start_or_at_home(bench: Bench) -> None:
    async with bench.engine("unresolved") as engine:
        with engine.observe() as subscription:
            run = await engine.start(bench.request())
            await ended(engine, subscription, [run])
            with pytest.raises(UsageError, match="cannot start at evaluation"):
                await engine.retry(run.run, "evaluation", force=True)
            for phase in ("collect", "validate"):
                await engine.retry(run.run, phase, force=True)
                (attempt,) = await ended(engine, subscription, [run])
                assert attempt.state is AttemptState.FINISHED, attempt.failure
                assert attempt.outcome is Outcome.UNRESOLVED
                assert attempt.phase("report").state is PhaseState.SKIPPED
            trees = [engine.layout.attempt_results(engine.run(run.run), number) for number in (1, 2, 3)]
    assert len(bench.starts()) == 1
    assert [load_result(tree).attempt for tree in trees] == [1, 2, 3]
    assert len({(tree / "output.jsonl").read_bytes() for tree in trees}) == 1


async def test_a_retry_of_the_whole_does_not_meet_its_forerunner(bench: Bench) -> None:
    async with bench.engine("resolved", "february") as engine:
        with engine.observe() as subscription:
            run = await engine.start(bench.request())
            await ended(engine, subscription, [run])
            await engine.retry(run.run, force=True)
            (attempt,) = await ended(engine, subscription, [run])
    assert attempt.outcome is Outcome.RESOLVED
    first, second = bench.starts()
    assert first[1][2] != second[1][2]
    assert len(list(bench.root.glob("evaluation/evaluation_outputs/Trajectory_results/bench/task-1/*"))) == 2


@pytest.mark.parametrize(
    ("broken", "signature"),
    [("root", "harness-missing"), ("script", "harness-missing"), ("mode", "harness-not-executable")],
)
async def test_a_harness_that_is_not_there_is_told(bench: Bench, broken: str, signature: str) -> None:
    script = bench.root / SCRIPT
    if broken == "root":
        bench.root.rename(bench.home / "elsewhere")
    elif broken == "script":
        script.unlink()
    else:
        script.chmod(0o644)
    shown = await bench.run("resolved")
    assert (shown.failure.signature, shown.failure.phase) == (signature, "image")
    assert str(bench.root) in (shown.failure.evidence or "")


@pytest.mark.sshd
@VERSIONS
@pytest.mark.parametrize(
    ("case", "end"),
    [
        ("resolved", Outcome.RESOLVED),
        ("unresolved", Outcome.UNRESOLVED),
        ("no-patch", Outcome.NO_PATCH),
        ("s3-404", "s3-missing"),
        ("llm-error", "llm-timeout"),
        ("other-run", "verdict-void"),
    ],
)
async def test_it_is_the_same_over_ssh(far_bench: Bench, version: str, case: str, end: Any) -> None:
    shown = await far_bench.run(case, version)
    if isinstance(end, Outcome):
        assert (shown.attempt.state, shown.attempt.outcome) == (AttemptState.FINISHED, end), shown.attempt.failure
    else:
        assert shown.failure.signature == end
    assert joined_logs(shown) == far_bench.job_log(shown)
