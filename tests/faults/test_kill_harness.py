"""The operator's process killed at random moments of a run of the users' script, which goes on without it."""

from __future__ import annotations

import json
import os
import random
from collections import Counter
from pathlib import Path

import pytest

from tests.faults.conftest import Operator
from tests.faults.test_kill import SEED, assert_same, course_of, run_disturbed, run_undisturbed
from tests.harness.bench import ROOT, TASK, Bench
from tests.sshd import Sshd
from velora_tui.pipeline.harness.banners import JOB, PHASES

# The native recipe's test has the larger share of the CI's kills.
KILLS = int(os.environ.get("FAULT_KILLS") or (25 if os.environ.get("CI") == "true" else 5))
JOBS = {JOB: PHASES}
MOST_KILLS = 4  # of one run, so that both versions have their share
VERSIONS = ("january", "february")
PACE_SECONDS = 0.2
FLEET = """\
[fleet]
results = "results"
[defaults]
recipe = "harness"
harness = "~/{root}"
max_iterations = 30
max_disk_percent = 100
env = {{ STANDIN_CASE = "resolved", STANDIN_VERSION = "{version}", STANDIN_PACE = "{pace}" }}
[s3]
endpoint_url = "http://127.0.0.1:9"
access_key_id = "x"
secret_access_key = "x"
[models."llm.gpt"]
[[instances]]
name = "eval1"
host = "{target.host}"
port = {target.port}
user = "{target.user}"
identity_file = "{target.identity_file}"
ssh_config = "{target.ssh_config}"
known_hosts = "{target.known_hosts}"
"""

pytestmark = pytest.mark.sshd


def make_harness_operator(folder: Path, sshd: Sshd, version: str) -> tuple[Operator, str]:
    """Lay out an operator's folder; return it and the dataset in it."""
    folder.mkdir()
    (folder / "velora.toml").write_text(
        FLEET.format(version=version, pace=PACE_SECONDS, root=ROOT, target=sshd.target())
    )
    dataset = folder / "task.json"
    dataset.write_text(json.dumps(TASK))
    return Operator(folder), str(dataset)


@pytest.mark.timeout(120 + 12 * KILLS)
async def test_a_killed_operator_loses_nothing_and_starts_the_script_once(sshd: Sshd, tmp_path: Path) -> None:
    Bench(tmp_path, sshd.home, {}).install()
    chance = random.Random(SEED)
    calm = {
        version: await course_of(
            run_undisturbed(*make_harness_operator(tmp_path / version, sshd, version), "--force"), sshd, JOBS
        )
        for version in VERSIONS
    }
    kills = number = 0
    moments: Counter[str] = Counter()
    while kills < KILLS:
        version = VERSIONS[number % 2]
        operator, dataset = make_harness_operator(tmp_path / f"operator{number}", sshd, version)
        number += 1
        now_killed = run_disturbed(operator, dataset, chance, min(KILLS - kills, MOST_KILLS), moments, "--force")
        kills += now_killed
        course = await course_of(operator, sshd, JOBS)
        assert_same(course, calm[version], now_killed)
        assert (sshd.home / "starts.jsonl").read_text().count(f"{course.run}.1.jsonl") == 1, "the script started once"
        assert not (sshd.home / ".velora" / "lease").exists(), "the instance is free for the next run"
    print(f"\n{kills} kills over {number} runs, seed {SEED}, after {dict(moments)}")
