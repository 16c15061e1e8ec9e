"""Image tars in S3: what is known of one, and a URL by which an instance may fetch it."""

from __future__ import annotations

import asyncio
import gc
import threading
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any

from velora_tui.domain.fleet import S3Settings
from velora_tui.domain.image import S3Object
from velora_tui.errors import ImageError, StorageError

if TYPE_CHECKING:
    from botocore.exceptions import ClientError
    from botocore.loaders import Loader

_CONNECT_SECONDS = 5
_READ_SECONDS = 10
_ATTEMPTS = 2
_AT_ONCE = 4
_loading = threading.Lock()


@dataclass(frozen=True)
class ImageOffer:
    """An image that is there: size in bytes, etag, and a URL by which its holder may fetch it; that is a secret."""

    size: int
    etag: str
    url: str


class ImageStore:
    """The S3 side of images, through aioboto3.

    Importing it and making a client block for half a second, so that happens in a thread with a loop of its own.
    """

    def __init__(self, settings: S3Settings) -> None:
        self.settings = settings
        # Threads of its own: while S3 does not answer, logs must go on being written by the others.
        self._threads = ThreadPoolExecutor(_AT_ONCE, thread_name_prefix="images")

    async def offer(self, image: S3Object, valid_seconds: int) -> ImageOffer:
        """Return what an instance needs to fetch `image` within `valid_seconds`.

        Raises ImageError: missing, refused, or no answer.
        """
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._threads, lambda: asyncio.run(self._offer(image, valid_seconds)))

    async def _offer(self, image: S3Object, valid_seconds: int) -> ImageOffer:
        place = {"Bucket": image.bucket, "Key": image.key}
        async with self._client(image) as client:
            head = await client.head_object(**place)
            url = await client.generate_presigned_url("get_object", Params=place, ExpiresIn=valid_seconds)
        return ImageOffer(size=head["ContentLength"], etag=head["ETag"].strip('"'), url=url)

    @asynccontextmanager
    async def _client(self, image: S3Object) -> AsyncIterator[Any]:
        import aioboto3
        from aiobotocore.session import AioSession
        from botocore.config import Config
        from botocore.exceptions import (
            BotoCoreError,
            ClientError,
            CredentialRetrievalError,
            NoCredentialsError,
            PartialCredentialsError,
            ProfileNotFound,
        )

        settings = self.settings
        config = Config(
            connect_timeout=_CONNECT_SECONDS,
            read_timeout=_READ_SECONDS,
            retries={"total_max_attempts": _ATTEMPTS, "mode": "standard"},
            signature_version="s3v4",
        )
        try:
            inner = AioSession()
            inner.register_component("data_loader", _loader())
            session = aioboto3.Session(
                botocore_session=inner,
                aws_access_key_id=settings.access_key_id,
                aws_secret_access_key=settings.secret_access_key,
                region_name=settings.region,
                profile_name=settings.profile,
            )
            async with session.client("s3", endpoint_url=settings.endpoint_url, config=config) as client:
                yield client
        except ClientError as error:
            raise _explained(image, error) from None
        except (CredentialRetrievalError, NoCredentialsError, PartialCredentialsError, ProfileNotFound) as error:
            raise StorageError(
                f"no AWS credentials for {image}: {error}", hint="set them up, or name a profile in [s3], then retry"
            ) from None
        except (BotoCoreError, OSError, ValueError) as error:
            raise StorageError(
                f"{settings.endpoint_url or 'S3'} does not answer for {image}: {error}",
                hint="check network, endpoint and credentials, then retry",
            ) from None


def _loader() -> Loader:
    """Return what botocore knows of S3: 30,000 objects, which cost the event loop much if made for every image."""
    with _loading:
        return _made_loader()


@cache
def _made_loader() -> Loader:
    from botocore.loaders import create_loader

    loader = create_loader()
    loader.load_data("endpoints")
    loader.load_service_model("s3", "service-2")
    gc.freeze()  # it stays for good: collections need not look through it
    return loader


def _explained(image: S3Object, error: ClientError) -> ImageError:
    code = str(error.response.get("Error", {}).get("Code", "?"))
    if code in {"404", "NoSuchKey", "NoSuchBucket"}:
        return ImageError(f"{image} is not in S3 ({code})", hint="upload the image, or mend image_storage_uri")
    if code in {"403", "AccessDenied", "InvalidAccessKeyId", "SignatureDoesNotMatch", "ExpiredToken"}:
        return StorageError(f"S3 refuses {image} ({code})", hint="check the AWS credentials and the bucket's rights")
    return StorageError(f"S3 failed for {image}: {error}", hint="try again later")
