"""The task's image: AWS and S3, the download, the archive."""

from __future__ import annotations

from velora_tui.domain.failure import FailureClass
from velora_tui.grading.signatures.signature import Signature, Table

_image = Table(FailureClass.INFRASTRUCTURE, phases=("image",))
_OCCURRED = r"An error occurred \((?:%s)\)"

AWS: tuple[Signature, ...] = (
    _image.row(
        "clock-skew",
        _OCCURRED % "RequestTimeTooSkewed|RequestExpired|InvalidSignatureException"
        + r"|difference between the request time and the (?:server's|current) time is too large",
        "the instance's clock is wrong",
        "set the clock (chronyc makestep, or timedatectl set-ntp true), then retry",
    ),
    _image.row(
        "aws-token-expired",
        _OCCURRED
        % "ExpiredToken|ExpiredTokenException|TokenRefreshRequired"
        + r"|(?:The (?:provided|security) token (?:has expired|included in the request is expired)"
        r"|The SSO session associated with this profile has expired|Error when retrieving token from sso"
        r"|Token has expired and refresh failed)",
        "the AWS login has expired",
        "log in again on the instance (aws sso login, or renew the role's keys), then retry",
    ),
    _image.row(
        "aws-profile",
        r"(?:The config profile \(.{1,80}\) could not be found|Partial credentials found in"
        r"|Unable to parse config file: )",
        "the AWS configuration on the instance is wrong",
        "mend ~/.aws/config and ~/.aws/credentials, then retry",
    ),
    _image.row(
        "s3-region",
        _OCCURRED % "PermanentRedirect|AuthorizationHeaderMalformed|IllegalLocationConstraintException|301"
        + r"|You must specify a region\.",
        "the bucket is in another region than was asked",
        "mend `region` in the fleet file's [s3] and AWS_DEFAULT_REGION, then retry",
    ),
    _image.row(
        "s3-archived",
        _OCCURRED % "InvalidObjectState" + r"|Object is of storage class (?:GLACIER|DEEP_ARCHIVE)\b",
        "the image was moved to an archive (Glacier), which must be restored first",
        "restore the object, then retry",
        kind=FailureClass.TASK,
    ),
    _image.row(
        "s3-missing",
        _OCCURRED % "404|NoSuchKey|NoSuchBucket" + r"|curl: \(22\).* 404",
        "the image is not in S3",
        "upload the image or mend image_storage_uri, then retry",
        kind=FailureClass.TASK,
    ),
    _image.row(
        "s3-refused",
        _OCCURRED % "400|403|AccessDenied|AllAccessDisabled|InvalidAccessKeyId|SignatureDoesNotMatch|InvalidToken"
        + r"|Unable to locate credentials|curl: \(22\).* 403|NoCredentialsError",
        "S3 refuses the image: wrong or expired credentials, or another region's",
        "check the AWS credentials and the region, then retry",
    ),
    _image.row(
        "s3-unavailable",
        _OCCURRED
        % r"SlowDown|Throttling\w*|RequestLimitExceeded|ServiceUnavailable|InternalError|RequestTimeout|50[0-4]"
        + r"|curl: \(22\).* (?:5\d\d|429)|(?:SlowDown|Please reduce your request rate)"
        r"|HTTP Error (?:5\d\d|429)",
        "S3 answered with an error of its own",
        "retry in a while",
    ),
    _image.row(
        "s3-unreachable",
        r"(?:Could not connect to the endpoint URL|(?:Connect|Read) timeout on endpoint URL"
        r"|Connection was closed before we received a valid response from endpoint URL)",
        "S3 does not answer",
        "check the instance's network and the endpoint_url, then retry",
    ),
    _image.row(
        "aws-missing",
        r"aws: (?:command )?not found",
        "the AWS command line is not installed, or not on the PATH of a non-interactive shell",
        "install it or set PATH in the fleet file's env, then retry",
    ),
)

ARCHIVE: tuple[Signature, ...] = (
    _image.row(
        "image-name-capitals",
        r"invalid reference format: repository name (?:\(.*\) )?must be lowercase",
        "this version of the harness cannot tag an image whose repository name has capitals",
        "use a newer harness, or write `repo` in lower case in the dataset, then retry",
        kind=FailureClass.TASK,
    ),
    _image.row(
        "image-name-invalid",
        r"(?:invalid reference format\.?$|is not a valid repository/tag)",
        "the image's name in the dataset is not one that Docker takes",
        "mend image_storage_uri in the dataset, then retry",
        kind=FailureClass.TASK,
    ),
    _image.row(
        "download-broken",
        r"curl: \((?:6|7|18|28|35|52|56)\)|urlopen error|the download is incomplete"
        r"|IncompleteRead\(|download failed: .*(?:Connection broken|Connection reset|Max Retries Exceeded)",
        "the image did not arrive whole",
        "retry; check the instance's network if it happens again",
    ),
    _image.row(
        "image-unsafe",
        r"velora: unsafe archive",
        "the image's archive holds links, devices or paths that leave its folder",
        "have the image rebuilt; it was not unpacked",
        kind=FailureClass.TASK,
        phases=(),
    ),
    _image.row(
        "image-damaged",
        r"Error processing tar file|[Uu]nexpected EOF(?! while)"
        r"|does not look like a tar archive|archive/tar: invalid tar header"
        r"|invalid tar header",
        "the image's archive is damaged",
        "remove the cached tar, upload the image again, then retry",
        phases=(),
    ),
    _image.row(
        "image-no-manifest",
        r"/(?:repositories|manifest\.json): no such file or directory",
        "the archive is no image that docker load takes",
        "make it with docker save, upload it again, then retry",
        kind=FailureClass.TASK,
    ),
)
