"""What the server processes are told: one line of JSON each, on standard input."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path

LOOPBACK = "127.0.0.1"
REGION = "us-east-1"
ACCESS_KEY_ID = "demo"
SECRET_ACCESS_KEY = "demo-secret"  # the endpoint lives on loopback and holds nothing but the demo's images


@dataclass(frozen=True)
class Machine:
    """One SSH server: the only user it knows, the key that opens it, and the folder that is its home."""

    name: str
    user: str
    home: Path
    host_key: Path
    authorized_keys: Path


@dataclass(frozen=True)
class Machines:
    """All SSH servers; `marker` is in the environment of every process they start."""

    machines: tuple[Machine, ...]
    marker: str

    def to_json(self) -> str:
        return json.dumps(asdict(self), default=str)

    @classmethod
    def from_json(cls, text: str) -> Machines:
        document = json.loads(text)
        return cls(tuple(_machine(machine) for machine in document["machines"]), document["marker"])


def _machine(fields: dict[str, str]) -> Machine:
    return Machine(
        name=fields["name"],
        user=fields["user"],
        home=Path(fields["home"]),
        host_key=Path(fields["host_key"]),
        authorized_keys=Path(fields["authorized_keys"]),
    )


@dataclass(frozen=True)
class Shelf:
    """What the S3 endpoint holds: the tars of `images` in `bucket` under `prefix`.

    `overloaded_key` is the key whose first download URL is refused; `bytes_per_second` bounds each download.
    """

    images: tuple[Path, ...]
    bucket: str
    prefix: str
    overloaded_key: str
    bytes_per_second: float

    def to_json(self) -> str:
        return json.dumps(asdict(self), default=str)

    @classmethod
    def from_json(cls, text: str) -> Shelf:
        document = json.loads(text)
        return cls(**{**document, "images": tuple(Path(path) for path in document["images"])})
