"""Failures of one cause are one row."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from velora_tui.domain.failure import FailedAttempt, Failure, FailureClass
from velora_tui.grading.clusters import cluster, normalised, repair_of
from velora_tui.view.cells import plain
from velora_tui.view.diagnosis_text import group_line, group_lines


def failed(
    number: int,
    signature: str = "docker-buildx",
    evidence: str = "",
    *,
    repair: str | None = None,
    phase: str = "image",
) -> FailedAttempt:
    failure = Failure(
        failure_class=FailureClass.INFRASTRUCTURE,
        signature=signature,
        message="it broke",
        remedy="mend it, then retry",
        phase=phase,
        line=number,
        evidence=evidence or None,
        repair=repair,
    )
    return FailedAttempt(
        run=f"01RUN{number}",
        attempt=1,
        instance=f"eval{number}",
        task=f"13196034495766{number}",
        model="llm.gpt",
        failure=failure,
    )


def test_three_of_one_cause_are_one_row_with_their_repair() -> None:
    (group,) = cluster([failed(number, repair="push-files") for number in (1, 2, 3)])
    assert plain(group_line(group)) == "3 × docker-buildx: push the critical files and retry"
    assert group.instances == ("eval1", "eval2", "eval3")
    text = "\n".join(plain(line) for line in group_lines([group]))
    assert "velora repair eval1,eval2,eval3 push-files" in text
    assert "01RUN2" in text


def test_a_failure_of_an_older_journal_gets_the_repair_of_its_signature() -> None:
    assert repair_of(failed(1).failure) == "push-files"
    (group,) = cluster([failed(1), failed(2, repair="push-files")])
    assert group.repair == "push-files"


def test_known_causes_are_one_whatever_their_words() -> None:
    groups = cluster([failed(1, "disk-full", "a"), failed(2, "disk-full", "b"), failed(3, "s3-missing", "a")])
    assert [(group.signature, len(group.members)) for group in groups] == [("disk-full", 2), ("s3-missing", 1)]


def test_unknown_ones_are_brought_together_by_what_their_words_share() -> None:
    groups = cluster(
        [
            failed(1, "image-failed", "gizmo 12 of /home/ubuntu/a is not aligned at 17:01:02"),
            failed(2, "image-failed", "gizmo 7 of /home/ubuntu/bb/c is not aligned at 09:12:44"),
            failed(3, "image-failed", "another thing"),
        ]
    )
    assert [len(group.members) for group in groups] == [2, 1]
    assert groups[0].words == "gizmo <n> of <path> is not aligned at <time>"
    assert groups[0].repair is None


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("container 0a1b2c3d4e5f is gone", "container ffee00112233 is gone"),
        ("run 8f14e45f-ceea-467f-a0ae-5ab1fa93ef75 died", "run 7c9e6679-7425-40de-944b-e07fc1f90ae7 died"),
        (
            "06:58:39 - openhands:ERROR: x.py:9 - Instance openhands-runtime-97cf0e3b-b582-40-dea0e1c126ec17a is odd",
            "07:03:03 - openhands:ERROR: x.py:9 - Instance openhands-runtime-909120b1-ccef-4d-4a921dbc70e8535 is odd",
        ),
        (
            "404 Client Error for http+docker://localhost/v1.41/containers/openhands-runtime-0b807a2e/json: Not Found",
            "404 Client Error for http+docker://localhost/v1.47/containers/openhands-runtime-f9ea/json: Not Found",
        ),
        (
            "Error response from daemon: Could not find the file /nope in container eval_pilot2_1769582462",
            "Error response from daemon: Could not find the file /tmp/x in container eval_pilot2_1769590001",
        ),
        (
            "docker: Error response from daemon: unable to find user ci: no matching entries in passwd file.",
            "docker: Error response from daemon: unable to find user ci: no matching entries in passwd file",
        ),
        ("at 2026-01-28 06:41:02,117 it broke", "at 2026-02-01T09:00:00Z it broke"),
        ("GET https://a.example/x failed", "GET https://b.example/y?z=1 failed"),
        ("10.0.0.1:38511 refused", "10.22.3.4:30001 refused"),
        ("task 13196034495766 broke", "task alpha__beta-9 broke"),
        ("0xdeadbeef in line 12", "0x12 in line 9,000"),
        ("cannot open '/a/b c.txt'", "cannot open '/x/y c.txt'"),
    ],
)
def test_what_differs_from_run_to_run_is_replaced(one: str, other: str) -> None:
    known = ("13196034495766", "alpha__beta-9")
    assert normalised(one, known) == normalised(other, known)


@pytest.mark.parametrize(
    ("one", "other"), [("disk is full", "disk is gone"), ("a failed", "a faded"), ("and/or", "and")]
)
def test_what_says_another_thing_stays_another(one: str, other: str) -> None:
    assert normalised(one) != normalised(other)


@settings(max_examples=40)
@given(st.lists(st.tuples(st.integers(0, 9), st.sampled_from(["docker-buildx", "image-failed"]), st.text(max_size=40))))
def test_nobody_is_lost_and_none_is_in_two_groups(drawn: list[tuple[int, str, str]]) -> None:
    members = [failed(number, signature, evidence) for number, signature, evidence in drawn]
    groups = cluster(members)
    assert sorted(m.model_dump_json() for group in groups for m in group.members) == sorted(
        m.model_dump_json() for m in members
    )
    sizes = [len(group.members) for group in groups]
    assert sizes == sorted(sizes, reverse=True)
    assert len({(group.signature, group.words) for group in groups}) == len(groups)
