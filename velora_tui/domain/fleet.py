"""The fleet: instances, models, agents and the defaults they share, as the fleet file describes them."""

from __future__ import annotations

import re
from difflib import get_close_matches
from pathlib import Path
from typing import Annotated, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints, model_validator

from velora_tui.domain.names import SafeName
from velora_tui.domain.readiness import BUILT_IN_CHECKS

Percent = Annotated[int, Field(ge=0, le=100)]
Seconds = Annotated[float, Field(gt=0)]

HARNESS = "harness"  # the recipe that runs the users' script
NATIVE = "native"
RECIPE_NAMES = (HARNESS, NATIVE)
HARNESS_SCRIPT = "evaluation/benchmarks/multi_swe_bench/scripts/run_full_eval_with_s3.sh"
DEFAULT_IMAGES = "s3://kuberha-velora/velora-files/images"
LOCAL_HOST = "local"


def _own_check_id(name: str) -> str:
    if not re.fullmatch(r"[a-z][a-z0-9-]{0,29}", name):
        raise ValueError(f"{name[:80]!r} is no check id: small letters, digits and - only, at most 30")
    if name in BUILT_IN_CHECKS:
        raise ValueError(f"{name!r} is a check of Velora's own: choose another id")
    return name


def _pattern(text: str) -> str:
    try:
        re.compile(text)
    except re.error as error:
        raise ValueError(f"not a regular expression: {error}") from None
    return text


def _recipe_name(name: str) -> str:
    if name in RECIPE_NAMES:
        return name
    near = get_close_matches(name, RECIPE_NAMES, n=1, cutoff=0.4)
    meant = f"did you mean {near[0]}?" if near else f"there are {' and '.join(RECIPE_NAMES)}"
    raise ValueError(f"unknown recipe {name[:80]!r}: {meant}")


def _path_in_harness(path: str) -> str:
    if not path or re.search(r"[\x00-\x1f\x7f]", path):
        raise ValueError(f"{path[:80]!r} is no path")
    if ".." in path.split("/"):
        raise ValueError(f"{path[:80]!r} leads out of the harness: give the path from its root, without ..")
    return path


def _like(pattern: str, expected: str) -> AfterValidator:
    """Return the validator of a text that must match `pattern` as a whole; `expected` says so in words."""

    def check(text: str) -> str:
        if not re.fullmatch(pattern, text):
            raise ValueError(f"{text[:80]!r} is not {expected}")
        return text

    return AfterValidator(check)


EnvName = Annotated[str, _like(r"[A-Za-z_][A-Za-z0-9_]*", "a variable's name: letters, digits and _ only")]


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
    recipe: Annotated[str, AfterValidator(_recipe_name)] = NATIVE
    agent: SafeName | None = None
    model: SafeName | None = None
    max_iterations: Annotated[int, Field(ge=1)] = 200
    timeouts: dict[str, Seconds] = Field(default_factory=dict)
    max_disk_percent: Percent = 80
    check_minutes: Annotated[float, Field(ge=0)] = 10  # between cheap checks while the dashboard is open; 0: never
    env: dict[EnvName, str] = Field(default_factory=dict)


class S3Settings(Section):
    """`[s3]`: where the task images lie. Without keys, the usual AWS sources of credentials are used."""

    images: Annotated[str, _like(r"s3://[A-Za-z0-9][A-Za-z0-9._-]+(/.*)?", "s3://BUCKET/FOLDER")] = DEFAULT_IMAGES
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
    """`[[critical_files]]`: a file of the harness that must have this checksum on every instance.

    `path` starts at the harness's root; `source` is the good local copy, whose checksum counts where none is given.
    """

    path: Annotated[str, AfterValidator(_path_in_harness)]
    md5: Annotated[str, _like(r"[0-9a-f]{32}", "an MD5: 32 digits of 0-9 and a-f")] | None = None
    sha256: Annotated[str, _like(r"[0-9a-f]{64}", "a SHA-256: 64 digits of 0-9 and a-f")] | None = None
    source: Path | None = None


# The four files that have broken runs (SYSTEM.md, "Readiness"). A fleet file that names none has these compared with
# each other across the fleet; it may give each the checksum of the version that the operators have verified, as in
#   [[critical_files]]
#   path = "openhands/runtime/builder/docker.py"
#   md5 = "c719fdafa6102198c8068f530846cac3"    # of January 2026
#   source = "good/docker.py"
DEFAULT_CRITICAL_FILES = (
    CriticalFile(path=HARNESS_SCRIPT),
    CriticalFile(path="evaluation/benchmarks/multi_swe_bench/scripts/eval_pilot2_standardized.py"),
    CriticalFile(path="openhands/runtime/builder/docker.py"),
    CriticalFile(path="openhands/runtime/utils/runtime_templates/Dockerfile.j2"),
)


class OwnCheck(Section):
    """`[[checks]]`: a check of the operators' own, run with `sh` in the home folder of every instance.

    It is passed where `command` ends with status 0 and `expect`, if given, is found in what it prints.
    """

    id: Annotated[str, AfterValidator(_own_check_id)]
    name: str = ""
    command: Annotated[str, StringConstraints(min_length=1)]
    expect: Annotated[str, AfterValidator(_pattern)] | None = None
    blocking: bool = False
    slow: bool = False
    repair: Annotated[str, StringConstraints(min_length=1)] | None = None


class Instance(Section):
    """`[[instances]]`: one machine; `host = "local"` is this one, without SSH."""

    name: SafeName
    host: Annotated[str, _like(r"[^\s-]\S*", "a host: an alias of your SSH config, a name or an address")]
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

    @property
    def variables(self) -> dict[str, str]:
        """The environment that everything there gets; what `env` says of Docker's socket wins."""
        socket = {"DOCKER_HOST": f"unix://{self.docker_socket}"} if self.docker_socket else {}
        return {**socket, **self.env}


class Fleet(Section):
    """The whole fleet file. `instances` come filled in with the defaults."""

    fleet: FleetSection = FleetSection()
    defaults: Defaults = Defaults()
    s3: S3Settings = S3Settings()
    models: dict[SafeName, Model] = Field(default_factory=dict)
    agents: dict[SafeName, Agent] = Field(default_factory=dict)
    critical_files: tuple[CriticalFile, ...] = ()
    checks: tuple[OwnCheck, ...] = ()
    instances: tuple[Instance, ...] = ()

    @model_validator(mode="after")
    def _names_are_unique(self) -> Self:
        names = [instance.name for instance in self.instances]
        for name in names:
            if names.count(name) > 1:
                raise ValueError(f"two instances are named {name!r}: every instance needs a name of its own")
        return self

    @model_validator(mode="after")
    def _check_ids_are_unique(self) -> Self:
        ids = [check.id for check in self.checks]
        for name in ids:
            if ids.count(name) > 1:
                raise ValueError(f"two checks have the id {name!r}: every check needs an id of its own")
        return self

    @property
    def name(self) -> str:
        return self.fleet.name

    @property
    def watched_files(self) -> tuple[CriticalFile, ...]:
        """The critical files that are compared: the fleet file's, or the usual ones without checksums."""
        return self.critical_files or DEFAULT_CRITICAL_FILES

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
            for field in ("ssh_config", "known_hosts", "harness", "max_disk_percent")
            if getattr(instance, field) is None
        }
        return instance.model_copy(update={**inherited, "env": {**self.defaults.env, **instance.env}})
