"""drop-runtime-images: remove the runtime images that the harness has cached, so that it builds them anew."""

from __future__ import annotations

import re

from velora_tui.readiness.repairs.docker import Image, docker_holdings
from velora_tui.readiness.repairs.free_disk import Part, removal_of_containers, removal_of_image
from velora_tui.readiness.repairs.repair import Findings, Repair, Site

_RUNTIME = re.compile(r"(?:[^/]+/)?(?:all-hands-ai|openhands)/runtime(?::.*)?|[^:]+(?::\d+/[^:]+)?:oh_.*")


async def _look(site: Site) -> Findings:
    holdings = await docker_holdings(site)
    if holdings.problem:
        return Findings(refused=holdings.problem)
    cached = [image for image in holdings.images if _is_runtime(image)]
    used = [image for image in cached if any(not container.is_over for container in holdings.users(image))]
    parts: list[Part] = [removal_of_image(image, "runtime image") for image in cached if image not in used]
    stopped = [one for image in cached if image not in used for one in holdings.users(image)]
    if stopped:
        parts.insert(0, removal_of_containers(stopped))
    return Findings(
        tuple(step for step, _ in parts),
        tuple(thing for _, things in parts for thing in things),
        tuple(f"{image.tags[0]} stays: a container uses it" for image in used),
        "" if parts else "no runtime image is cached",
    )


def _is_runtime(image: Image) -> bool:
    """Tell whether every name of the image is one that the harness gives to a runtime."""
    return bool(image.tags) and all(_RUNTIME.fullmatch(tag) for tag in image.tags)


DROP_RUNTIME_IMAGES = Repair(
    "drop-runtime-images", "drop cached runtime images", _look, None, on_a_full_disk=True, frees=True
)
