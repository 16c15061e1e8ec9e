"""The fleet: instances, models, agents and the defaults they share, as the fleet file describes them."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Self

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, model_validator

from velora_tui.domain.names import SafeName

Percent = Annotated[int, Field(ge=0, le=100)]
Seconds = Annotated[float, Field(gt=0)]
EnvName = Annotated[str, StringConstraints(pattern=r"^[A-Za-z_][A-Za-z0-9_]*$")]

DEFAULT_IMAGES = "s3://kuberha-velora/velora-files/images"
LOCAL_HOST = "local"


class Section(BaseModel):
    """A table of the fleet file: unknown keys are errors."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class FleetSection(Section):
    """`[fleet]`: its name and where this operator keeps results and state."""

    name: str = "fleet"
    results: Path | None = None
    state: Path | None = None


class Defaults(Section):
    """`[defaults]`: what every instance and run takes where it says nothing itself."""

    user: str | None = None
    ssh_config: Path | None = None
    known_hosts: Path | None = None
    harness: str = "~/SWETEs7/OpenHands"
    recipe: str = "native"
    agent: SafeName | None = None
    model: SafeName | None = None
    max_iterations: Annotated[int, Field(ge=1)] = 200
    timeouts: dict[str, Seconds] = Field(default_factory=dict)
    max_disk_percent: Percent = 80
    env: dict[EnvName, str] = Field(default_factory=dict)


class S3Settings(Section):
    """`[s3]`: where the task images lie. Without keys, the usual AWS sources of credentials are used."""

    images: Annotated[str, StringConstraints(pattern=r"^s3://[A-Za-z0-9][A-Za-z0-9._-]+(/.*)?$")] = DEFAULT_IMAGES
    region: str | None = None
    profile: str | None = None
    endpoint_url: str | None = None
    access_key_id: str | None = None
    secret_access_key: str | None = Field(default=None, repr=False)


class Model(Section):
    """`[models."llm.gpt"]`: a named LLM configuration on the instances."""

    label: str | None = None
    agent: SafeName | None = None


class Agent(Section):
    """`[agents.NAME]`: the shell command of a coding agent, run in the task's repository."""

    command: Annotated[str, StringConstraints(min_length=1)]


class CriticalFile(Section):
    """`[[critical_files]]`: a file of the harness that must have this checksum on every instance."""

    path: str
    md5: Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{32}$")] | None = None
    sha256: Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")] | None = None
    source: Path | None = None


class Instance(Section):
    """`[[instances]]`: one machine; `host = "local"` is this one, without SSH."""

    name: SafeName
    host: Annotated[str, StringConstraints(min_length=1, pattern=r"^[^\s-]\S*$")]
    port: Annotated[int, Field(ge=1, le=65535)] | None = None
    user: str | None = None
    identity_file: Path | None = None
    jump: str | None = None
    ssh_config: Path | None = None
    known_hosts: Path | None = None
    tags: tuple[str, ...] = ()
    harness: str | None = None
    docker_socket: str | None = None
    home: Path | None = None  # local instances: where ~/.velora lies
    max_disk_percent: Percent | None = None
    env: dict[EnvName, str] = Field(default_factory=dict)

    @property
    def is_local(self) -> bool:
        return self.host == LOCAL_HOST


class Fleet(Section):
    """The whole fleet file. `instances` come filled in with the defaults."""

    fleet: FleetSection = FleetSection()
    defaults: Defaults = Defaults()
    s3: S3Settings = S3Settings()
    models: dict[SafeName, Model] = Field(default_factory=dict)
    agents: dict[SafeName, Agent] = Field(default_factory=dict)
    critical_files: tuple[CriticalFile, ...] = ()
    instances: tuple[Instance, ...] = ()

    @model_validator(mode="after")
    def _names_are_unique(self) -> Self:
        names = [instance.name for instance in self.instances]
        for name in names:
            if names.count(name) > 1:
                raise ValueError(f"two instances are named {name!r}: every instance needs a name of its own")
        return self

    @property
    def name(self) -> str:
        return self.fleet.name

    def instance(self, name: str) -> Instance | None:
        """Return the instance called `name`, filled in with the defaults."""
        return next((self._filled(instance) for instance in self.instances if instance.name == name), None)

    def agent_of(self, model: str) -> Agent | None:
        """Return the agent that works with `model`: its own, the default, or the only one there is."""
        named = (self.models[model].agent if model in self.models else None) or self.defaults.agent
        if named is None and len(self.agents) == 1:
            return next(iter(self.agents.values()))
        return self.agents.get(named) if named else None

    def label(self, model: str) -> str:
        """Return the short name that people read for `model`."""
        known = self.models.get(model)
        return (known.label if known else None) or model.removeprefix("llm.")

    def _filled(self, instance: Instance) -> Instance:
        inherited = {
            field: getattr(self.defaults, field)
            for field in ("user", "ssh_config", "known_hosts", "harness", "max_disk_percent")
            if getattr(instance, field) is None
        }
        return instance.model_copy(update={**inherited, "env": {**self.defaults.env, **instance.env}})
