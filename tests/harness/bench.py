"""An instance with the stand-in harness on it, and engines that run tasks there."""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.engine.following import ended
from velora_tui.domain.failure import Failure
from velora_tui.domain.fleet import Defaults, Fleet, Instance, Model, S3Settings
from velora_tui.domain.requests import RunRequest
from velora_tui.domain.run import Attempt, Run
from velora_tui.engine.engine import Engine
from velora_tui.pipeline.harness.banners import PHASES
from velora_tui.pipeline.harness.job import SCRIPT
from velora_tui.store.layout import Layout

TASK = {
    "instance_id": "task-1",
    "repo": "owner/name",
    "base_commit": "abc123",
    "FAIL_TO_PASS": ["tests/test_x.py::test_fixed"],
    "PASS_TO_PASS": "['tests/test_x.py::test_kept']",
    "test_patch": "diff --git a/tests/test_x.py b/tests/test_x.py\n",
    "test_command": "pytest -rA",
    "image_storage_uri": "registry/owner_name:abc123",
    "environment_setup_commit": "def456",
}
# Nothing listens there: what the script itself fetches is not the operator's business.
NO_STORAGE = S3Settings(
    images="s3://images/in/here",
    endpoint_url="http://127.0.0.1:9",
    region="us-east-1",
    access_key_id="x",
    secret_access_key="x",
)
ROOT = "the [härness] $x"
CONFIG = """\
[core]
model = "not this"
[llm.gpt]  # the one that runs ask for
api_key = "secret"
model = "openai/gpt-5"
[llm.gpt2]
model = "another"
"""


@dataclass
class Shown:
    """How an attempt ended, and what is on the operator's disk."""

    engine: Engine
    run: Run
    attempt: Attempt

    @property
    def failure(self) -> Failure:
        assert self.attempt.failure is not None, self.attempt
        return self.attempt.failure

    @property
    def tree(self) -> Path:
        return self.engine.layout.attempt_results(self.run, self.attempt.number)

    def log(self, phase: str) -> bytes:
        path = self.engine.log_path(self.run.run, self.attempt.number, phase)
        return path.read_bytes() if path.exists() else b""

    def states(self) -> dict[str, str]:
        return {phase.name: str(phase.state) for phase in self.attempt.phases}


@dataclass
class Bench:
    """One machine with the harness in a folder whose name shells and patterns could take apart."""

    folder: Path
    home: Path
    reach: Mapping[str, Any]
    task: dict[str, Any] = field(default_factory=lambda: dict(TASK))
    storage: S3Settings = NO_STORAGE

    @property
    def root(self) -> Path:
        return self.home / ROOT

    @property
    def gates(self) -> Path:
        return self.folder / "gates"

    def install(self) -> None:
        script = self.root / SCRIPT
        script.parent.mkdir(parents=True)
        shutil.copy(Path(__file__).with_name("standin.py"), script)
        script.chmod(0o755)
        (self.root / "config.toml").write_text(CONFIG)

    def fleet(self, case: str, version: str, **changes: Any) -> Fleet:
        env = {"STANDIN_CASE": case, "STANDIN_VERSION": version, **changes.pop("env", {})}
        instance = Instance(name="eval1", harness=f"~/{ROOT}", env=env, **self.reach)
        defaults = Defaults(recipe="harness", max_disk_percent=100, max_iterations=30, **changes)
        return Fleet(
            defaults=defaults,
            models={"llm.gpt": Model(label="gpt")},
            instances=(instance,),
            s3=self.storage,
        )

    def engine(self, case: str, version: str = "january", **changes: Any) -> Engine:
        return Engine(self.fleet(case, version, **changes), Layout.under(self.folder / "state"))

    def request(self, **changes: Any) -> RunRequest:
        dataset = self.folder / "data set.json"
        dataset.write_text(json.dumps(self.task))
        return RunRequest(dataset=str(dataset), model="llm.gpt", force=True, **changes)

    async def run(self, case: str, version: str = "january", **changes: Any) -> Shown:
        """Run the task to the attempt's end."""
        async with self.engine(case, version, **changes) as engine:
            with engine.observe() as subscription:
                run = await engine.start(self.request())
                (attempt,) = await ended(engine, subscription, [run])
            return Shown(engine, engine.run(run.run), attempt)

    def starts(self) -> list[Any]:
        """Return process id, arguments, folder and environment of every start of the script."""
        return [json.loads(line) for line in (self.home / "starts.jsonl").read_text().splitlines()]

    def open_gate(self, name: str) -> None:
        self.gates.mkdir(exist_ok=True)
        (self.gates / name).touch()

    def job_log(self, shown: Shown) -> bytes:
        return self.spool(shown.run, shown.attempt.number).joinpath("log").read_bytes()

    def spool(self, run: Run, attempt: int = 1) -> Path:
        return self.home / ".velora" / "runs" / f"{run.run}.{attempt}" / "harness"


def joined_logs(shown: Shown) -> bytes:
    """Return the phases' logs one behind the other, without what the driver says at the end of a failed one."""
    joined = b"".join(shown.log(phase) for phase in PHASES)
    return joined.partition(b"velora: ")[0] if shown.attempt.failure else joined
