"""Checks of Docker on the instance: the daemon, what it stores, the task's image."""

from __future__ import annotations

import re
from shlex import quote

from velora_tui.domain.image import image_tags
from velora_tui.domain.readiness import CheckStatus
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
    warned,
)
from velora_tui.view.text import size

_DISK_USE_SECONDS = 30
# A daemon that hangs keeps every question waiting: whether it answers at all is asked before what takes long.
_ANSWER_SECONDS = 8
_HANGS = 75
_VERSION = f"timeout -k 1 {_ANSWER_SECONDS} docker version --format '{{{{.Server.Version}}}}'"
_IF_IT_HANGS = f"status=$?\ncase $status in 124|137) exit {_HANGS} ;; esac"
_DISK_USE = r"docker system df --format '{{.Type}}\t{{.Size}}\t{{.Reclaimable}}'"
_RECLAIMABLE_BYTES = 20 * 10**9
_UNITS = {"B": 1, "KB": 10**3, "MB": 10**6, "GB": 10**9, "TB": 10**12}
_SIZE = re.compile(r"^(\d+(?:\.\d+)?)\s?([kKMGT]?B)\b")


def _trouble(answer: Answer) -> Verdict | None:
    """Judge what any docker command says where it can't do its work; None where it says nothing of the kind."""
    if answer.exit_status == NOT_FOUND:
        return failed("docker is not installed", mends=False)
    if answer.exit_status == _HANGS:
        return failed(f"Docker does not answer within {_ANSWER_SECONDS} s: restart its daemon by hand", mends=False)
    if "permission denied" in answer.text:
        return failed("this user may not use Docker's socket", mends=False)
    if re.search(r"Cannot connect to the Docker daemon|[Ii]s the docker daemon running", answer.text):
        return failed("the Docker daemon does not run")
    return None


def _silent(answer: Answer) -> Verdict:
    """Judge a question that docker did not answer; the check `docker` is the one to mend."""
    trouble = _trouble(answer)
    return Verdict(CheckStatus.UNKNOWN, trouble.detail if trouble else unclear(answer, "docker").detail, mends=False)


def _judge_docker(_: Subject, answer: Answer) -> Verdict:
    if trouble := _trouble(answer):
        return trouble
    if answer.exit_status == 0 and re.fullmatch(r"\d+\.\d+[\w.+~-]{0,40}", answer.text):
        return passed(f"answers, version {answer.text}")
    if answer.exit_status == 0 and not answer.text:  # the client ends with another status where no daemon answers
        return passed("answers, without a version")
    return unclear(answer, "docker tells nothing")


def _judge_cached(subject: Subject, answer: Answer) -> Verdict:
    if answer.exit_status == 0 and answer.text.startswith("sha256:"):
        return passed("loaded")
    if re.search(r"No such image|No such object", answer.text):
        return warned("not loaded yet: it must be fetched first")
    return _silent(answer)


def _judge_disk_use(_: Subject, answer: Answer) -> Verdict:
    rows = [line.split("\t") for line in answer.text.splitlines()]
    sizes = {row[0]: (_bytes(row[1]), _bytes(row[2])) for row in rows if len(row) == 3}
    if answer.exit_status != 0 or "Images" not in sizes or any(None in pair for pair in sizes.values()):
        return _silent(answer)
    used = sum(pair[0] or 0 for pair in sizes.values())
    unused = sum(pair[1] or 0 for pair in sizes.values())
    words = f"{size(used)} in all, {size(unused)} of it unused"
    return warned(words) if unused >= _RECLAIMABLE_BYTES else passed(words)


def _bytes(text: str) -> int | None:
    found = _SIZE.match(text)
    return int(float(found[1]) * _UNITS[found[2].upper()]) if found else None


def _cached_probe(subject: Subject) -> str:
    assert subject.task is not None
    tag = quote(image_tags(subject.task)[0])
    return f"docker image inspect --format '{{{{.Id}}}}' {tag}"


def _task_on_harness(subject: Subject) -> bool:
    return subject.task is not None and on_harness(subject)


CHECKS = (
    Check(
        "docker",
        "Docker answers",
        lambda _: f"{_VERSION}\n{_IF_IT_HANGS}\nexit $status",
        _judge_docker,
        blocking=True,
        repair="start-docker",
        loud=True,
        applies=on_harness,
    ),
    Check("cached", "image is loaded already", _cached_probe, _judge_cached, loud=True, applies=_task_on_harness),
    Check(
        "docker-disk",
        "Docker's disk use",
        lambda _: f"{_VERSION} >/dev/null 2>&1\n{_IF_IT_HANGS}\n{_DISK_USE}",
        _judge_disk_use,
        repair="drop-runtime-images",
        slow=True,
        loud=True,
        applies=on_harness,
        time_limit_seconds=_DISK_USE_SECONDS,
    ),
)
