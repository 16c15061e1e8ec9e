"""Image tars in S3: what is known of one, and a URL by which an instance may fetch it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from velora_tui.domain.fleet import S3Settings
from velora_tui.domain.image import S3Object
from velora_tui.errors import ImageError

if TYPE_CHECKING:
    from botocore.exceptions import ClientError

_CONNECT_SECONDS = 10
_READ_SECONDS = 20
_ATTEMPTS = 3


@dataclass(frozen=True)
class ObjectFacts:
    """Size in bytes and etag of an object."""

    size: int
    etag: str


class ImageStore:
    """The S3 side of images, through aioboto3. The library is imported on first use: it costs half a second."""

    def __init__(self, settings: S3Settings) -> None:
        self.settings = settings

    async def head(self, image: S3Object) -> ObjectFacts:
        """Return what S3 knows of `image`. Raises ImageError: missing, refused, or no answer."""
        async with self._client(image) as client:
            answer = await client.head_object(Bucket=image.bucket, Key=image.key)
        return ObjectFacts(size=answer["ContentLength"], etag=answer["ETag"].strip('"'))

    async def presigned_url(self, image: S3Object, valid_seconds: int) -> str:
        """Return a URL that lets its holder fetch `image` for `valid_seconds`; it is a secret."""
        async with self._client(image) as client:
            url: str = await client.generate_presigned_url(
                "get_object", Params={"Bucket": image.bucket, "Key": image.key}, ExpiresIn=valid_seconds
            )
        return url

    @asynccontextmanager
    async def _client(self, image: S3Object) -> AsyncIterator[Any]:
        import aioboto3
        from botocore.config import Config
        from botocore.exceptions import BotoCoreError, ClientError

        settings = self.settings
        config = Config(
            connect_timeout=_CONNECT_SECONDS,
            read_timeout=_READ_SECONDS,
            retries={"total_max_attempts": _ATTEMPTS, "mode": "standard"},
            signature_version="s3v4",
        )
        try:
            session = aioboto3.Session(
                aws_access_key_id=settings.access_key_id,
                aws_secret_access_key=settings.secret_access_key,
                region_name=settings.region,
                profile_name=settings.profile,
            )
            async with session.client("s3", endpoint_url=settings.endpoint_url, config=config) as client:
                yield client
        except ClientError as error:
            raise _explained(image, error) from None
        except (BotoCoreError, OSError, ValueError) as error:
            where = settings.endpoint_url or "S3"
            raise ImageError(
                f"{where} does not answer for {image}: {error}", hint="check network, endpoint and credentials"
            ) from None


def _explained(image: S3Object, error: ClientError) -> ImageError:
    code = str(error.response.get("Error", {}).get("Code", "?"))
    if code in {"404", "NoSuchKey", "NoSuchBucket"}:
        return ImageError(f"{image} is not in S3 ({code})", hint="upload the image, or mend image_storage_uri")
    if code in {"403", "AccessDenied", "InvalidAccessKeyId", "SignatureDoesNotMatch", "ExpiredToken"}:
        return ImageError(f"S3 refuses {image} ({code})", hint="check the AWS credentials and the bucket's rights")
    return ImageError(f"S3 failed for {image}: {error}", hint="try again later")
