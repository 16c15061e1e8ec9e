"""The demo's S3 endpoint, seen by curl and an ordinary S3 client."""

from __future__ import annotations

import asyncio
import shutil
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import botocore.session
import pytest
import pytest_asyncio

from velora_tui.config import load_fleet
from velora_tui.demo.fleet import DOWNLOAD_BYTES_PER_SECOND, DemoFleet, Provision, provision, serve
from velora_tui.demo.fleet_file import BUCKET, PREFIX

pytestmark = [
    pytest.mark.asyncio(loop_scope="module"),
    pytest.mark.skipif(shutil.which("curl") is None, reason="curl is not installed"),
]

SPEED = 10.0
CURL = ("curl", "--silent", "--show-error", "--fail", "--retry", "2")


@pytest.fixture(scope="module")
def provisioned(tmp_path_factory: pytest.TempPathFactory) -> Provision:
    return provision(tmp_path_factory.mktemp("demo"), instances=1, seed=3, speed=SPEED)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def fleet(provisioned: Provision) -> AsyncIterator[DemoFleet]:
    async with serve(provisioned) as running:
        yield running


@pytest.fixture(scope="module")
def client(fleet: DemoFleet) -> Any:
    s3 = load_fleet(fleet.fleet_file).s3
    return botocore.session.Session().create_client(
        "s3",
        endpoint_url=s3.endpoint_url,
        region_name=s3.region,
        aws_access_key_id=s3.access_key_id,
        aws_secret_access_key=s3.secret_access_key,
    )


def presigned(client: Any, name: str, seconds: int = 600) -> str:
    parameters = {"Bucket": BUCKET, "Key": f"{PREFIX}/{name}"}
    return client.generate_presigned_url("get_object", Params=parameters, ExpiresIn=seconds)


async def curl(*words: str) -> tuple[int, str]:
    process = await asyncio.create_subprocess_exec(
        *CURL, *words, stdout=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.PIPE
    )
    _, errors = await asyncio.wait_for(process.communicate(), 30)
    assert process.returncode is not None
    return process.returncode, errors.decode()


async def test_every_image_lies_where_the_fleet_file_says(
    fleet: DemoFleet, provisioned: Provision, client: Any
) -> None:
    listing = await asyncio.to_thread(client.list_objects_v2, Bucket=BUCKET, Prefix=PREFIX)

    assert load_fleet(fleet.fleet_file).s3.images == f"s3://{BUCKET}/{PREFIX}"
    sizes = {item["Key"]: item["Size"] for item in listing["Contents"]}
    assert sizes == {f"{PREFIX}/{image.path.name}": image.path.stat().st_size for image in provisioned.images}


async def test_a_download_is_the_image_at_the_stated_bandwidth(
    provisioned: Provision, client: Any, tmp_path: Path
) -> None:
    image = next(image for image in provisioned.images if image != provisioned.overloaded_image)
    started = time.monotonic()

    status, errors = await curl(presigned(client, image.path.name), "--output", str(tmp_path / "image"))

    assert (status, errors) == (0, "")
    assert (tmp_path / "image").read_bytes() == image.path.read_bytes()
    assert time.monotonic() - started > 0.9 * image.path.stat().st_size / (DOWNLOAD_BYTES_PER_SECOND * SPEED)


async def test_one_image_fails_for_the_first_url_and_succeeds_with_the_next(
    provisioned: Provision, client: Any, tmp_path: Path
) -> None:
    image = provisioned.overloaded_image
    target = tmp_path / "image"
    first, second = (presigned(client, image.path.name, seconds) for seconds in (600, 601))

    status, errors = await curl(first, "--output", str(target))
    assert status == 22
    assert "503" in errors
    assert not target.exists()
    head = await asyncio.to_thread(client.head_object, Bucket=BUCKET, Key=f"{PREFIX}/{image.path.name}")
    assert head["ContentLength"] == image.path.stat().st_size

    status, errors = await curl(second, "--output", str(target))
    assert (status, errors) == (0, "")
    assert target.read_bytes() == image.path.read_bytes()


async def test_what_is_not_there_is_a_404(client: Any) -> None:
    status, errors = await curl(presigned(client, "no-such-image.tar"))

    assert status == 22
    assert "404" in errors


async def test_presigned_urls_reach_no_log(fleet: DemoFleet) -> None:
    log = (fleet.fleet_file.parent / "s3_server.log").read_text(encoding="utf-8")

    assert "Signature" not in log
