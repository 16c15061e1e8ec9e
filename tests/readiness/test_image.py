"""The check of the next task's image: there, missing, or not known; asked from here, not from the instance."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import aioboto3
import pytest
from moto.server import ThreadedMotoServer

from tests.readiness.test_broken import TASK
from velora_tui.domain.fleet import Fleet, Instance, S3Settings
from velora_tui.domain.readiness import CheckResult
from velora_tui.domain.task import Task
from velora_tui.engine.engine import Engine
from velora_tui.store.layout import Layout

KEYS = {"region": "us-east-1", "access_key_id": "x", "secret_access_key": "y"}


@pytest.fixture(scope="module")
def endpoint() -> Iterator[str]:
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


async def image_result(folder: Path, endpoint: str, task: Task) -> CheckResult:
    fleet = Fleet(
        s3=S3Settings(images="s3://images/here", endpoint_url=endpoint, **KEYS),
        instances=(Instance(name="here", host="local", home=folder),),
    )
    async with Engine(fleet, Layout.under(folder / "state")) as engine:
        (readiness,) = await engine.check(only=["image"], task=task)
    result = readiness.check("image")
    assert result is not None
    assert not result.blocking
    return result


async def test_an_image_that_is_there_and_one_that_is_not(endpoint: str, tmp_path: Path) -> None:
    session = aioboto3.Session(aws_access_key_id="x", aws_secret_access_key="y", region_name="us-east-1")
    async with session.client("s3", endpoint_url=endpoint) as client:
        await client.create_bucket(Bucket="images")
        await client.put_object(Bucket="images", Key="here/owner_name-abc.tar", Body=b"x" * 2000)
    there = await image_result(tmp_path, endpoint, TASK)
    assert (there.status, there.detail) == ("ok", "2.0 KB, owner_name-abc.tar")
    missing = await image_result(tmp_path, endpoint, TASK.model_copy(update={"base_commit": "other"}))
    assert (missing.status, "is not in S3" in missing.detail) == ("fail", True)


@pytest.mark.parametrize(
    ("endpoint_url", "uri", "says"),
    [("http://127.0.0.1:1", "", "does not answer"), ("http://127.0.0.1:1", "docker://x/y:z", "is in a registry")],
)
async def test_an_image_of_which_nothing_is_known(tmp_path: Path, endpoint_url: str, uri: str, says: str) -> None:
    result = await image_result(tmp_path, endpoint_url, TASK.model_copy(update={"image_storage_uri": uri}))
    assert (result.status, says in result.detail) == ("unknown", True), result
