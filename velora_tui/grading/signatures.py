"""The table of known failures: what a log says, what it means, what to do. A new one is one new entry."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from velora_tui.domain.failure import FailureClass

_ANY: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Signature:
    """A failure that is known by a line of a phase's log. `phases` empty: any phase."""

    id: str
    pattern: re.Pattern[str]
    failure_class: FailureClass
    message: str
    remedy: str
    phases: frozenset[str] = field(default=_ANY)


def _signature(id: str, pattern: str, kind: FailureClass, message: str, remedy: str, *phases: str) -> Signature:
    return Signature(id, re.compile(pattern), kind, message, remedy, frozenset(phases))


_INFRA, _AGENT, _TASK = FailureClass.INFRASTRUCTURE, FailureClass.AGENT, FailureClass.TASK

# In order of precedence: a cause stands before what it brings about.
SIGNATURES: tuple[Signature, ...] = (
    _signature(
        "harness-missing",
        r"^velora: (there is no harness at|the harness script is missing)",
        _INFRA,
        "the harness is not where the fleet file says",
        "mend `harness` in the fleet file, or install the harness, then retry",
        "image",
    ),
    _signature(
        "harness-not-executable",
        r"^velora: the harness script is not executable",
        _INFRA,
        "the harness script may not be executed",
        "chmod +x the script, then retry",
        "image",
    ),
    _signature(
        "dataset-missing",
        r"^ERROR: Dataset file not found: ",
        _INFRA,
        "the script does not find the dataset that was uploaded",
        "look whether the instance's home folder and disk are sound, then retry",
        "image",
    ),
    _signature("disk-full", r"No space left on device", _INFRA, "the disk is full", "free disk space, then retry"),
    _signature(
        "docker-buildx",
        r"docker buildx build .* returned non-zero",
        _INFRA,
        "docker.py lacks the DOCKER_BUILDKIT=0 fix",
        "push the fixed docker.py, then retry",
    ),
    _signature(
        "tmux-missing",
        r"TmuxCommandNotFound|tmux: (command )?not found",
        _INFRA,
        "the image has no tmux",
        "rebuild the image with tmux, drop cached runtime images, then retry",
    ),
    _signature(
        "docker-daemon-down",
        r"Cannot connect to the Docker daemon",
        _INFRA,
        "Docker does not run",
        "start Docker, then retry",
    ),
    _signature(
        "openhands-module",
        r"No module named '?openhands",
        _INFRA,
        "the harness's Python environment is broken",
        "check PYTHONPATH and the poetry environment, then retry",
    ),
    _signature(
        "python-module",
        r"No module named '?(datasets|pandas)\b",
        _INFRA,
        "a Python package of the harness is missing",
        "install the package in the harness's environment, then retry",
        "trajectory",
        "report",
    ),
    _signature(
        "runtime-image-skip",
        r"Unable to find image 'skip:latest'|pull access denied for skip",
        _INFRA,
        'RUNTIME_CONTAINER_IMAGE is set to "skip"',
        "unset it, then retry",
    ),
    _signature(
        "s3-missing",
        r"An error occurred \((404|NoSuchKey|NoSuchBucket)\)|curl: \(22\).* 404",
        _TASK,
        "the image is not in S3",
        "upload the image or mend image_storage_uri, then retry",
        "image",
    ),
    _signature(
        "s3-refused",
        r"An error occurred \((403|AccessDenied|InvalidAccessKeyId|SignatureDoesNotMatch|ExpiredToken)\)"
        r"|Unable to locate credentials|curl: \(22\).* 403",
        _INFRA,
        "S3 refuses the image",
        "check the AWS credentials, then retry",
        "image",
    ),
    _signature(
        "s3-unavailable",
        r"curl: \(22\).* (5\d\d|429)|SlowDown|HTTP Error (5\d\d|429)",
        _INFRA,
        "S3 answered with an error of its own",
        "retry in a while",
        "image",
    ),
    _signature(
        "aws-missing",
        r"\baws: (command )?not found",
        _INFRA,
        "the AWS command line is not installed, or not on the PATH of a non-interactive shell",
        "install it or set PATH in the fleet file's env, then retry",
        "image",
    ),
    _signature(
        "image-name-capitals",
        r"invalid reference format: repository name .* must be lowercase",
        _TASK,
        "this version of the harness cannot tag an image whose repository name has capitals",
        "use a newer harness, or write `repo` in lower case in the dataset, then retry",
        "image",
    ),
    _signature(
        "download-broken",
        r"curl: \((6|7|18|28|35|52|56)\)|urlopen error|the download is incomplete",
        _INFRA,
        "the image did not arrive whole",
        "retry; check the instance's network if it happens again",
        "image",
    ),
    _signature(
        "image-unsafe",
        r"^velora: unsafe archive",
        _TASK,
        "the image's archive holds links, devices or paths that leave its folder",
        "have the image rebuilt; it was not unpacked",
    ),
    _signature(
        "image-damaged",
        r"Error processing tar file|unexpected EOF|tar: Unexpected EOF|does not look like a tar archive",
        _INFRA,
        "the image's archive is damaged",
        "remove the cached tar, upload the image again, then retry",
    ),
    _signature(
        "agent-missing",
        r"^velora: the agent's command was not found",
        _INFRA,
        "the agent is not installed on the instance",
        "install it, or mend its command in the fleet file",
        "trajectory",
    ),
    _signature(
        "llm-authentication",
        r"\bAuthenticationError\b",
        _AGENT,
        "the LLM refuses the key",
        "fix the key in the harness's config.toml, then retry",
        "trajectory",
    ),
    _signature("llm-rate-limit", r"\bRateLimitError\b", _AGENT, "the LLM limits the rate", "retry later", "trajectory"),
    _signature(
        "llm-timeout", r"\bAPITimeoutError\b", _AGENT, "the LLM does not answer in time", "retry later", "trajectory"
    ),
    _signature(
        "model-unknown",
        r"\b(litellm\.)?NotFoundError\b|LLM Provider NOT provided|Could not find LLM config|model_not_found",
        _AGENT,
        "the LLM's provider, or the harness's config.toml, does not know the model",
        "mend the model's section in config.toml, then retry",
        "trajectory",
    ),
    _signature(
        "llm-error",
        r"\blitellm\.\w*(Error|Exceeded)\b",
        _AGENT,
        "the LLM answers with an error",
        "read the error, then retry",
        "trajectory",
    ),
    _signature(
        "container-start",
        r"Failed to start container",
        _INFRA,
        "the evaluation's container did not start",
        "look at Docker on the instance, then retry",
        "evaluation",
        "report",
    ),
    _signature(
        "old-evaluator",
        r"Expecting property name enclosed in double quotes",
        _INFRA,
        "the harness has an old evaluator, which reads the dataset line by line",
        "push the fixed evaluator, then retry",
        "evaluation",
    ),
    _signature(
        "not-a-git-repository",
        r"^fatal: not a git repository",
        _INFRA,
        "the harness is not a git repository",
        "run git init, add and commit in the harness's root, then retry",
        "trajectory",
    ),
    _signature(
        "agent-gave-up",
        r"Maximum error retries reached for instance",
        _AGENT,
        "the agent could not start after several tries",
        "read the traceback above this line",
        "trajectory",
    ),
    _signature(
        "out-of-memory",
        r"^Killed$|: line \d+: +\d+ Killed\b|Out of memory|oom-kill",
        _INFRA,
        "the kernel ended a process for lack of memory",
        "use a larger instance or fewer processes, then retry",
    ),
)
