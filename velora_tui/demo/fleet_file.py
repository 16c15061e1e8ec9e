"""The fleet file of the embedded fleet, so that other shells can look at the running demo."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from velora_tui.demo.server_config import ACCESS_KEY_ID, LOOPBACK, REGION, SECRET_ACCESS_KEY

BUCKET = "kuberha-velora"
PREFIX = "velora-files/images"
MAX_DISK_PERCENT = 99  # the disk below is not the demo's: a full one must not stop it
MAX_ITERATIONS = 40
MODELS = {"llm.gpt": "gpt", "llm.claude": "claude", "llm.kimi": "kimi"}
AGENT_COMMAND = "python3 -I -S ~/agent/scripted_agent.py --speed {speed:g} --seed {seed}"


@dataclass(frozen=True)
class Endpoint:
    """Where an instance's SSH server listens, and the disk limit that is its own."""

    name: str
    port: int
    identity_file: Path
    max_disk_percent: int | None = None


@dataclass(frozen=True)
class FleetSettings:
    """What the fleet file of a demo says."""

    root: Path
    user: str
    known_hosts: Path
    s3_port: int
    endpoints: tuple[Endpoint, ...]
    seed: int
    speed: float

    def text(self) -> str:
        """Return the fleet file's TOML."""
        tables = [
            _table("[fleet]", {"name": "demo", "results": self.root / "results", "state": self.root / "state"}),
            _table(
                "[defaults]",
                {
                    "user": self.user,
                    "known_hosts": self.known_hosts,
                    "recipe": "native",
                    "agent": "scripted",
                    "max_iterations": MAX_ITERATIONS,
                    "max_disk_percent": MAX_DISK_PERCENT,
                },
            ),
            _table(
                "[s3]",
                {
                    "images": f"s3://{BUCKET}/{PREFIX}",
                    "endpoint_url": f"http://{LOOPBACK}:{self.s3_port}",
                    "region": REGION,
                    "access_key_id": ACCESS_KEY_ID,
                    "secret_access_key": SECRET_ACCESS_KEY,
                },
            ),
            *(_table(f'[models."{name}"]', {"label": label}) for name, label in MODELS.items()),
            _table("[agents.scripted]", {"command": AGENT_COMMAND.format(speed=self.speed, seed=self.seed)}),
            *(self._instance(endpoint) for endpoint in self.endpoints),
        ]
        return "\n".join(tables)

    def _instance(self, endpoint: Endpoint) -> str:
        limit = {} if endpoint.max_disk_percent is None else {"max_disk_percent": endpoint.max_disk_percent}
        fields = {
            "name": endpoint.name,
            "host": LOOPBACK,
            "port": endpoint.port,
            "identity_file": endpoint.identity_file,
            "docker_socket": self.root / "no-docker.sock",  # a repair in the demo must not reach this machine's own
            "tags": ["demo"],
            **limit,
        }
        return _table("[[instances]]", fields)


def _table(header: str, values: Mapping[str, object]) -> str:
    """Return a TOML table; a JSON string, number or list of strings is also a TOML one."""
    lines = [f"{key} = {json.dumps(value, default=str, ensure_ascii=False)}" for key, value in values.items()]
    return "\n".join([header, *lines, ""])
