"""What is told while the script works: bytes, iterations, actions, tokens and cost, tests."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from urllib.request import Request, urlopen

import pytest
from moto.server import ThreadedMotoServer

from tests.engine.following import ended, until
from tests.harness.bench import Bench
from tests.harness.test_runs import kill_in_phase
from velora_tui.domain.events import PhaseProgressed
from velora_tui.domain.fleet import S3Settings
from velora_tui.pipeline.harness import progress

TAR_BYTES = 5_000_000


@pytest.fixture(autouse=True)
def often(monkeypatch: pytest.MonkeyPatch) -> None:
    """Look at what grows on the instance more often."""
    monkeypatch.setattr(progress, "POLL_SECONDS", 0.05)


@pytest.fixture
def storage() -> Iterator[S3Settings]:
    """An S3 that holds the image of the bench's task."""
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0)
    server.start()
    try:
        url = "http://{}:{}".format(*server.get_host_and_port())
        for path, data in (("images", b""), ("images/in/here/owner_name-abc123.tar", b"x" * TAR_BYTES)):
            request = Request(f"{url}/{path}", data=data, method="PUT", headers={"Content-Type": "application/x-tar"})
            urlopen(request, timeout=10).close()
        yield S3Settings(
            images="s3://images/in/here", endpoint_url=url, region="us-east-1", access_key_id="x", secret_access_key="x"
        )
    finally:
        server.stop()


async def told(bench: Bench, case: str, phase: str, *gates: str, version: str = "january") -> PhaseProgressed:
    """Run a case and return the first thing that is told of `phase`."""
    return await first(bench, case, lambda event: event.phase == phase, *gates, version=version)


async def first(
    bench: Bench, case: str, wanted: Callable[[PhaseProgressed], bool], *gates: str, version: str = "january"
) -> PhaseProgressed:
    for gate in gates:
        bench.open_gate(gate)
    async with bench.engine(case, version, env={"STANDIN_GATES": str(bench.gates)}) as engine:
        with engine.observe() as subscription:
            run = await engine.start(bench.request())
            event = await until(subscription, lambda event: isinstance(event, PhaseProgressed) and wanted(event))
            bench.open_gate("all")
            await ended(engine, subscription, [run])
    assert isinstance(event, PhaseProgressed)
    return event


async def test_the_download_is_told_as_aws_prints_it(bench: Bench) -> None:
    loading = await told(bench, "resolved", "image")
    assert (loading.unit, loading.total) == ("bytes", 200 * 1024 * 1024)


async def test_a_silent_download_is_told_by_its_file(bench: Bench, storage: S3Settings) -> None:
    bench.storage = storage
    loading = await first(bench, "resolved partial-tar", lambda event: event.done == 3_000_000, version="february")
    assert (loading.done, loading.total, loading.unit) == (3_000_000, TAR_BYTES, "bytes")


async def test_a_download_of_unknown_size_is_told_without_it(bench: Bench) -> None:
    (bench.root / "owner_name-abc123.tar").write_bytes(b"of an earlier run")
    loading = await first(bench, "resolved partial-tar", lambda event: event.done == 3_000_000, version="february")
    assert (loading.done, loading.total, loading.unit) == (3_000_000, None, "bytes")


def says(detail: str) -> Callable[[PhaseProgressed], bool]:
    """Tell whether the agent's three steps are told so: log and answers are read apart, and come one by one."""
    return lambda event: (event.phase, event.done, event.detail) == ("trajectory", 3, detail)


async def test_the_agent_is_told_by_its_log(bench: Bench) -> None:
    agent = await first(bench, "resolved", says("CmdRun: ls -la src · $0.38 · 3,000 + 60 tokens"), "image")
    assert (agent.total, agent.unit) == (30, "steps")


async def test_the_logs_own_cost_is_told_where_it_has_one(bench: Bench) -> None:
    wanted = says("CmdRun: ls -la src · $0.30 · 3,000 + 60 tokens")
    agent = await first(bench, "resolved debug coloured", wanted, "image")
    assert agent.total == 30


async def test_the_agent_is_told_by_its_answers_where_the_log_is_silent(bench: Bench) -> None:
    agent = await first(bench, "resolved quiet", says("$0.38 · 3,000 + 60 tokens"), "image")
    assert agent.total == 30


async def test_steps_that_came_before_a_restart_count(bench: Bench) -> None:
    bench.open_gate("image")
    fleet = bench.fleet("resolved more-steps", "january", env={"STANDIN_GATES": str(bench.gates)})
    await kill_in_phase(bench, fleet.model_dump_json(), "trajectory", behind=b"look 3")
    bench.open_gate("more")
    async with bench.engine("resolved more-steps") as engine:
        with engine.observe() as subscription:
            runs = await engine.attach()
            agent = await until(subscription, lambda event: isinstance(event, PhaseProgressed))
            bench.open_gate("all")
            await ended(engine, subscription, runs)
    assert isinstance(agent, PhaseProgressed)
    assert (agent.phase, agent.done) == ("trajectory", 4)


async def test_the_evaluation_is_told_by_the_grader(bench: Bench) -> None:
    gates = ("image", "trajectory", "evaluation")
    tested = await first(bench, "resolved", lambda event: event.phase == "evaluation" and event.done > 0, *gates)
    assert (tested.done, tested.unit) == (3, "tests")
