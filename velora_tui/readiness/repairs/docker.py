"""What a Docker daemon holds, as far as repairs care: containers, images, the build cache."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from datetime import UTC, datetime

from velora_tui.readiness.repairs.repair import Site

# `created` containers may be about to start; what only lies there is over.
_OVER = frozenset({"exited", "dead"})
_UNITS = {"B": 1, "KB": 1000, "MB": 1000**2, "GB": 1000**3, "TB": 1000**4}

_CONTAINER = {
    "id": ".Id",
    "name": ".Name",
    "state": ".State.Status",
    "image": ".Image",
    "of": ".Config.Image",
    "bytes": ".SizeRw",
    "created": ".Created",
}
_IMAGE = {"id": ".Id", "tags": ".RepoTags", "bytes": ".Size", "created": ".Created"}
_CACHE = {"type": ".Type", "reclaimable": ".Reclaimable"}


def _format(kind: str, fields: dict[str, str]) -> str:
    """Return a template for Docker: the kind of thing, then a JSON object, on one line."""
    return f"{kind} {{" + ",".join(f'"{key}":{{{{json {path}}}}}' for key, path in fields.items()) + "}"


_LOOK = f"""
export LC_ALL=C
if ! command -v docker >/dev/null; then echo 'none Docker is not installed there'; exit; fi
timeout 10 docker version >/dev/null 2>&1 || {{ echo "none Docker does not answer"; exit; }}
containers=$(docker ps -aq --no-trunc)
[ -z "$containers" ] || timeout 90 docker inspect --size --format '{_format("container", _CONTAINER)}' $containers
images=$(docker image ls -q --no-trunc | sort -u)
[ -z "$images" ] || timeout 60 docker image inspect --format '{_format("image", _IMAGE)}' $images
timeout 20 docker system df --format '{_format("cache", _CACHE)}' 2>/dev/null
true
"""

_SIZE = re.compile(r"([\d.]+)\s*([kKMGT]?B)")


@dataclass(frozen=True)
class Container:
    """`image` is an image's id; `size_bytes` is what the container itself has written."""

    id: str
    name: str
    state: str
    image: str
    image_name: str
    size_bytes: int
    created: datetime | None

    @property
    def is_over(self) -> bool:
        return self.state in _OVER


@dataclass(frozen=True)
class Image:
    """`size_bytes` counts the layers that it shares with others, too."""

    id: str
    tags: tuple[str, ...]
    size_bytes: int
    created: str


@dataclass(frozen=True)
class DockerHoldings:
    """All that a daemon has. `problem` says why nothing is known of it."""

    problem: str = ""
    containers: tuple[Container, ...] = ()
    images: tuple[Image, ...] = ()
    build_cache_bytes: int = 0

    def users(self, image: Image) -> tuple[Container, ...]:
        """Return the containers that are made of `image`."""
        return tuple(container for container in self.containers if container.image == image.id)


async def docker_holdings(site: Site) -> DockerHoldings:
    """Ask the instance's daemon what it has. Raises HostErrors."""
    lines = (await site.run(_LOOK, time_limit_seconds=180)).text.splitlines()
    answers = [line.partition(" ")[::2] for line in lines if line]
    problem = next((rest for kind, rest in answers if kind == "none"), "")
    documents = [(kind, json.loads(rest)) for kind, rest in answers if kind in {"container", "image", "cache"}]
    return DockerHoldings(
        problem=problem,
        containers=tuple(_container(entry) for kind, entry in documents if kind == "container"),
        images=tuple(_image(entry) for kind, entry in documents if kind == "image"),
        build_cache_bytes=sum(
            size_of(entry["reclaimable"])
            for kind, entry in documents
            if kind == "cache" and entry["type"] == "Build Cache"
        ),
    )


def size_of(text: str) -> int:
    """Return the bytes that Docker means by words such as `1.5GB (40%)`; 0 where it names none."""
    found = _SIZE.search(text)
    return int(float(found[1]) * _UNITS[found[2].upper()]) if found else 0


def _container(entry: dict[str, str | int | None]) -> Container:
    return Container(
        id=str(entry["id"]),
        name=str(entry["name"]).lstrip("/"),
        state=str(entry["state"]),
        image=str(entry["image"]),
        image_name=str(entry["of"]),
        size_bytes=int(entry["bytes"] or 0),
        created=moment(str(entry["created"])),
    )


def _image(entry: dict[str, object]) -> Image:
    tags = entry["tags"]
    return Image(
        id=str(entry["id"]),
        tags=tuple(str(tag) for tag in tags) if isinstance(tags, list) else (),
        size_bytes=int(str(entry["bytes"] or 0)),
        created=str(entry["created"]),
    )


def moment(text: str) -> datetime | None:
    """Return the time that Docker writes with up to nine places of a second; None where it is none."""
    try:
        return datetime.fromisoformat(text).astimezone(UTC)
    except ValueError:
        return None
