"""The table of checks. A new one is one entry in the file of its theme; its repair is named here, made elsewhere."""

from __future__ import annotations

from velora_tui.domain.fleet import Fleet
from velora_tui.domain.readiness import BUILT_IN_CHECKS
from velora_tui.readiness.checks import aws, docker, files, harness, llm, machine, runs
from velora_tui.readiness.checks.check import Answer, Check, Subject, Verdict, unclear
from velora_tui.readiness.checks.own import own_check
from velora_tui.readiness.checks.runs import BUSY, REMOVE_LEASE

__all__ = [
    "BUSY",
    "CHECKS",
    "IMAGE",
    "REMOVE_LEASE",
    "SSH",
    "Answer",
    "Check",
    "Subject",
    "Verdict",
    "checks_for",
    "fleet_checks",
    "title_of",
]

SSH = "ssh"  # judged by whether a round trip succeeds at all
IMAGE = "image"  # looked for in S3 from here


def _not_probed(_: Subject, answer: Answer) -> Verdict:
    return unclear(answer, "the instance's shell is not asked")


_FROM_HERE = (
    Check(SSH, "SSH answers", None, _not_probed, blocking=True),
    Check(IMAGE, "image is in S3", None, _not_probed, slow=True, applies=lambda subject: subject.task is not None),
)

CHECKS: tuple[Check, ...] = tuple(
    sorted(
        (
            *_FROM_HERE,
            *harness.CHECKS,
            *llm.CHECKS,
            *docker.CHECKS,
            *machine.CHECKS,
            *runs.CHECKS,
            *files.CHECKS,
            *aws.CHECKS,
        ),
        key=lambda check: BUILT_IN_CHECKS.index(check.id),
    )
)


def fleet_checks(fleet: Fleet) -> tuple[Check, ...]:
    """Return all checks that there are for `fleet`, its own ones last."""
    return (*CHECKS, *map(own_check, fleet.checks))


def checks_for(subject: Subject) -> tuple[Check, ...]:
    """Return the checks that apply to `subject`, in the order in which people read them."""
    return tuple(check for check in fleet_checks(subject.fleet) if check.applies(subject))


def title_of(fleet: Fleet, check_id: str) -> str:
    """Return what the check is about, in a few words."""
    return next((check.title for check in fleet_checks(fleet) if check.id == check_id), check_id)
