"""free-disk: remove what only takes room: leftovers of Docker, old image tars and, where that is not enough, images.

Everything that goes is named, with its size; what a container uses is left alone, and nothing is removed by force.
"""

from __future__ import annotations

import shlex
from dataclasses import dataclass

from velora_tui.domain.repair import Affected, RepairStep
from velora_tui.hosts.shell import assign
from velora_tui.readiness.repairs.docker import Container, DockerHoldings, Image, docker_holdings
from velora_tui.readiness.repairs.repair import Findings, Repair, Site

_TASK_IMAGES = "mswebench/"
_OLD_MINUTES = 60
_REMOVAL_SECONDS = 900.0

# The root disk in KiB, then the tars: `size seconds path`, NUL after each.
_LOOK = r"""
set -- $(df -Pk / | tail -n 1)
printf '%s %s\000' "$3" "$4"
cd -- "$root" 2>/dev/null || exit 0
find "$PWD" -maxdepth 1 -type f -name '*.tar' -mmin +"$minutes" -printf '%s %T@ %p\000'
"""

_REMOVE_TAR = r"""
[ "$(stat -c '%s %Y' -- "$file")" = "$was" ] || { echo "$file has changed since it was looked at" >&2; exit 75; }
rm -f -- "$file"
"""

Part = tuple[RepairStep, list[Affected]]


@dataclass(frozen=True)
class _Tar:
    path: str
    size_bytes: int
    written: int


@dataclass(frozen=True)
class _Disk:
    used_bytes: int
    free_bytes: int

    def excess_bytes(self, limit_percent: int) -> int:
        """Return how much must go until less than `limit_percent` of the disk are used."""
        return self.used_bytes - (self.used_bytes + self.free_bytes) * limit_percent // 100


async def _look(site: Site) -> Findings:
    holdings = await docker_holdings(site)
    result = await site.run(site.head + assign(minutes=_OLD_MINUTES) + _LOOK, time_limit_seconds=60)
    first, *entries = result.stdout.decode("utf-8", "surrogateescape").split("\0")
    used, _, free = first.partition(" ")
    if not (used.isdigit() and free.isdigit()):
        return Findings(refused=f"df answered {first[:80]!r}")
    disk = _Disk(int(used) * 1024, int(free) * 1024)
    parts = _leftovers(holdings) + [_tar_part(tar) for tar in map(_tar, entries) if tar]
    limit = site.instance.max_disk_percent
    missing = disk.excess_bytes(site.fleet.defaults.max_disk_percent if limit is None else limit)
    missing -= sum(thing.size_bytes or 0 for _, things in parts for thing in things)
    images, notes = _task_images(holdings, missing)
    if holdings.problem:
        notes = (f"{holdings.problem}: what it holds stays", *notes)
    parts += images
    affected = tuple(thing for _, things in parts for thing in things)
    return Findings(tuple(step for step, _ in parts), affected, notes, "" if parts else "nothing there can safely go")


def removal_of_containers(containers: list[Container]) -> Part:
    """Return the step that removes stopped containers; Docker itself refuses it for running ones."""
    ids = " ".join(container.id for container in containers)
    step = RepairStep(
        what=f"remove {len(containers)} stopped container{'s' if len(containers) > 1 else ''}",
        command=f"docker rm {ids}\n",
        time_limit_seconds=_REMOVAL_SECONDS,
    )
    return step, [
        Affected(kind="container", name=one.name, size_bytes=one.size_bytes, detail=f"{one.state}, of {one.image_name}")
        for one in containers
    ]


def removal_of_image(image: Image, kind: str) -> Part:
    """Return the step that removes an image by all its names, if they still are its own and no container uses it."""
    names = " ".join(shlex.quote(tag) for tag in image.tags)
    command = (
        f"for name in {names}; do\n"
        f'    [ "$(docker image inspect --format "{{{{.Id}}}}" "$name")" = {image.id} ] ||\n'
        '        { echo "$name is another image now" >&2; exit 75; }\n'
        f"done\ndocker rmi {names}\n"
    )
    step = RepairStep(what=f"remove the image {image.tags[0]}", command=command, time_limit_seconds=_REMOVAL_SECONDS)
    detail = f"made {image.created[:10]}" + (f", also {', '.join(image.tags[1:])}" if len(image.tags) > 1 else "")
    return step, [Affected(kind=kind, name=image.tags[0], size_bytes=image.size_bytes, detail=detail)]


def _leftovers(holdings: DockerHoldings) -> list[Part]:
    """Return the removal of what nothing needs any more."""
    parts: list[Part] = []
    if stopped := [container for container in holdings.containers if container.is_over]:
        parts.append(removal_of_containers(stopped))
    dangling = [image for image in holdings.images if not image.tags and _is_free(holdings, image)]
    if dangling:
        ids = " ".join(image.id for image in dangling)
        what = f"remove {len(dangling)} image{'s' if len(dangling) > 1 else ''} without a name"
        step = RepairStep(what=what, command=f"docker rmi {ids}\n", time_limit_seconds=_REMOVAL_SECONDS)
        things = [
            Affected(kind="dangling image", name=image.id[7:19], size_bytes=image.size_bytes) for image in dangling
        ]
        parts.append((step, things))
    if holdings.build_cache_bytes:
        step = RepairStep(
            what="empty the build cache", command="docker builder prune -f\n", time_limit_seconds=_REMOVAL_SECONDS
        )
        thing = Affected(kind="build cache", name="build cache", size_bytes=holdings.build_cache_bytes)
        parts.append((step, [thing]))
    return parts


def _task_images(holdings: DockerHoldings, missing_bytes: int) -> tuple[list[Part], tuple[str, ...]]:
    """Return the removal of as many task images, oldest first, as the disk still needs; S3 has them all."""
    images = [image for image in holdings.images if any(tag.startswith(_TASK_IMAGES) for tag in image.tags)]
    parts: list[Part] = []
    for image in sorted(images, key=lambda one: one.created):
        if missing_bytes <= 0:
            break
        if _is_free(holdings, image):
            parts.append(removal_of_image(image, "task image"))
            missing_bytes -= image.size_bytes
    if missing_bytes > 0:
        return parts, ("this alone does not bring the disk under its limit",)
    return parts, ("the task images that go are loaded from S3 again when they are needed",) if parts else ()


def _is_free(holdings: DockerHoldings, image: Image) -> bool:
    return all(container.is_over for container in holdings.users(image))


def _tar(entry: str) -> _Tar | None:
    size, _, rest = entry.partition(" ")
    written, _, path = rest.partition(" ")
    return _Tar(path, int(size), int(float(written))) if size.isdigit() and path.startswith("/") else None


def _tar_part(tar: _Tar) -> Part:
    command = assign(file=tar.path, was=f"{tar.size_bytes} {tar.written}") + _REMOVE_TAR
    step = RepairStep(what=f"remove the image tar {tar.path}", command=command)
    return step, [Affected(kind="image tar", name=tar.path, size_bytes=tar.size_bytes)]


FREE_DISK = Repair("free-disk", "free disk space", _look, "disk", on_a_full_disk=True, frees=True)
