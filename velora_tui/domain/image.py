"""Which image a task needs, and the tags that the harness knows it by."""

from __future__ import annotations

from dataclasses import dataclass

from velora_tui.domain.task import Task
from velora_tui.errors import ImageError


@dataclass(frozen=True)
class S3Object:
    """An image tar in S3."""

    bucket: str
    key: str

    def __str__(self) -> str:
        return f"s3://{self.bucket}/{self.key}"

    @property
    def file_name(self) -> str:
        return self.key.rsplit("/", 1)[-1]


@dataclass(frozen=True)
class RegistryImage:
    """An image that is pulled from a registry (`docker://…`)."""

    reference: str

    def __str__(self) -> str:
        return f"docker://{self.reference}"


def image_source(task: Task, images: str) -> S3Object | RegistryImage:
    """Return where the image of `task` lies; `images` is the s3:// folder of all images. Raises ImageError."""
    uri = task.image_storage_uri.strip()
    if uri.startswith("docker://"):
        return RegistryImage(uri.removeprefix("docker://"))
    if uri.startswith("s3://"):
        return parse_s3(uri)
    folder = parse_s3(f"{images.rstrip('/')}/x")
    name = image_file_name(task)
    return S3Object(folder.bucket, f"{folder.key.removesuffix('x')}{name}")


def image_file_name(task: Task) -> str:
    """Return the tar's name: the URI's last part with : → -, or {owner}_{name}-{commit}.tar without a URI."""
    last = task.image_storage_uri.strip().rstrip("/").rsplit("/", 1)[-1]
    if not last:
        return f"{task.repo.replace('/', '_')}-{task.base_commit}.tar"
    if ":" not in last:
        return f"{last}-{last}.tar"
    return f"{last.replace(':', '-')}.tar"


def image_tags(task: Task) -> tuple[str, str]:
    """Return the two tags that the harness looks an image up by; repository names are lower case."""
    owner, name = task.repo.lower().split("/")
    return (
        f"mswebench/sweb.eval.x86_64.{task.instance_id.lower()}:latest",
        f"mswebench/{owner}_m_{name}:pr-{task.instance_id}",
    )


def parse_s3(uri: str) -> S3Object:
    """Return bucket and key of `s3://bucket/key`. Raises ImageError."""
    bucket, _, key = uri.removeprefix("s3://").partition("/")
    if not uri.startswith("s3://") or not bucket or not key or ".." in key.split("/"):
        raise ImageError(f"{uri!r} is no image address", hint="expected s3://bucket/key")
    return S3Object(bucket, key)
