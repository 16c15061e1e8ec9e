"""Checks of what the harness needs to fetch images by itself: the AWS CLI and its credentials."""

from __future__ import annotations

import re
from shlex import quote

from velora_tui.domain.image import parse_s3
from velora_tui.readiness.checks.check import (
    NOT_FOUND,
    Answer,
    Check,
    Subject,
    Verdict,
    failed,
    on_harness,
    passed,
    unclear,
)

_CREDENTIALS_SECONDS = 30
_REFUSED = re.compile(
    r"Unable to locate credentials|\((?:403|401|Forbidden|AccessDenied|InvalidAccessKeyId|SignatureDoesNotMatch"
    r"|ExpiredToken|InvalidToken|RequestTimeTooSkewed)\)|Partial credentials|config profile \(.*\) could not be found"
)


def _judge_aws(_: Subject, answer: Answer) -> Verdict:
    if answer.exit_status == 0 and answer.text:
        return passed(answer.first_line)
    if answer.exit_status in {1, NOT_FOUND} and not answer.text:
        return failed("the AWS CLI is not there")
    return unclear(answer, "the AWS CLI can't be looked for")


def _credentials_probe(subject: Subject) -> str:
    folder = parse_s3(f"{subject.fleet.s3.images.rstrip('/')}/x")
    settings = {"--endpoint-url": subject.fleet.s3.endpoint_url, "--region": subject.fleet.s3.region}
    options = "".join(f" {name} {quote(value)}" for name, value in settings.items() if value)
    return (
        f"aws s3api list-objects-v2 --max-items 1 --output text --query 'Contents[].Key'"
        f" --bucket {quote(folder.bucket)} --prefix {quote(folder.key.removesuffix('x'))}{options}"
    )


def _judge_credentials(subject: Subject, answer: Answer) -> Verdict:
    if answer.exit_status == 0:
        return passed(f"may list {subject.fleet.s3.images}")
    if answer.exit_status == NOT_FOUND:
        return failed("the AWS CLI is not there")
    if _REFUSED.search(answer.text):
        return failed(answer.last_line)
    if "(NoSuchBucket)" in answer.text or "(404)" in answer.text:
        return failed(f"{subject.fleet.s3.images} does not exist")
    return unclear(answer, "S3 tells nothing")


CHECKS = (
    Check("aws", "AWS CLI", lambda _: "command -v aws", _judge_aws, applies=on_harness),
    Check(
        "credentials",
        "AWS credentials",
        _credentials_probe,
        _judge_credentials,
        slow=True,
        loud=True,
        applies=on_harness,
        time_limit_seconds=_CREDENTIALS_SECONDS,
    ),
)
