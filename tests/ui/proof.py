"""Attempts with their proof on disk: a graded log, a patch, a trajectory, and the fleets that show them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from tests.ui.dashboard.build import NOW, ago, attempt, failure, instance, readiness, run, snapshot
from velora_tui.domain.events import AttemptState, Summary
from velora_tui.domain.report import Outcome, QualityCheck, Verdict
from velora_tui.domain.result import AttemptResult, Provenance
from velora_tui.domain.run import Run
from velora_tui.domain.snapshot import FleetSnapshot
from velora_tui.domain.task import Task
from velora_tui.grading.grade import grade
from velora_tui.store.layout import Layout
from velora_tui.store.results import save_result

REPO = "12rambau/sepal_ui"
FIXED = (
    "tests/test_aoi.py::TestAoi::test_init[gee-None]",
    "tests/test_aoi.py::test_layer",
    "tests/test_aoi.py::test_absent",
)
KEPT = (*(f"tests/test_app.py::test_{number}" for number in range(7)), "tests/test_map.py::test_zoom")
FAILED_LINE = 7  # of the assertion of the first test in FIXED

LOG = f"""\
============================= test session starts ==============================
collected 11 items
=================================== FAILURES ===================================
__________________________ TestAoi.test_init[gee-None] _________________________
tests/test_aoi.py:9: in test_init
    assert model.admin == 3
E   AttributeError: 'AoiModel' has no 'admin'
__________________________________ test_layer __________________________________
tests/test_aoi.py:19: in test_layer
    assert layer
E   assert None
=========================== short test summary info ============================
{"".join(f"PASSED {name}{chr(10)}" for name in KEPT)}\
PASSED tests/test_extra.py::test_not_listed[[/b]]
FAILED {FIXED[0]} - AttributeError: 'AoiModel' has no 'admin'
FAILED {FIXED[1]} - assert None
========================= 2 failed, 9 passed in 0.21s ==========================
"""

PATCH = """\
diff --git a/sepal_ui/aoi.py b/sepal_ui/aoi.py
index 1111111..2222222 100644
--- a/sepal_ui/aoi.py
+++ b/sepal_ui/aoi.py
@@ -1,3 +1,4 @@
 import os
-ADMIN = "[red]"
+ADMIN = "[/b]"
+LAYER = None
 # end
diff --git a/sepal_ui/new.py b/sepal_ui/new.py
new file mode 100644
--- /dev/null
+++ b/sepal_ui/new.py
@@ -0,0 +1,2 @@
+first
+--- not a header
"""


def task(fixed: tuple[str, ...] = FIXED, kept: tuple[str, ...] = KEPT) -> Task:
    return Task(
        instance_id="1319603449", repo=REPO, base_commit="abc1234", fail_to_pass=list(fixed), pass_to_pass=list(kept)
    )


def graded(log: str = LOG, a_task: Task | None = None) -> Verdict:
    return grade(a_task or task(), log.encode())


def entry(number: int, *, kind: str = "run", **more: Any) -> dict[str, Any]:
    """An entry of a history as OpenHands writes it."""
    at = f"2026-01-28T06:{number // 60 % 60:02}:{number % 60:02}.000000"
    return {"id": number, "timestamp": at, "source": "agent", **({} if kind == "" else {"action": kind}), **more}


def step(number: int, command: str, output: str, *, code: int = 0, thought: str = "", cost: float = 0.01) -> list[dict]:
    """An action and what was observed after it."""
    metrics = {
        "accumulated_cost": number * cost,
        "accumulated_token_usage": {"prompt_tokens": 1000 * number, "completion_tokens": 50 * number},
    }
    acting = entry(2 * number, args={"command": command, "thought": thought}, llm_metrics=metrics)
    place = {"metadata": {"exit_code": code, "working_dir": "/app/repo"}}
    seen = entry(2 * number + 1, kind="", observation="run", cause=2 * number, content=output, extras=place)
    return [acting, seen]


def record(steps: int = 3, output: str = "ok [/b] t.py::t[param-1]") -> dict[str, Any]:
    """An output.jsonl of so many steps, the second of which failed."""
    history = [entry(0, kind="system", args={"content": "You are an agent."})]
    for number in range(1, steps + 1):
        history += step(number, f"pytest -k {number}", output, code=int(number == 2), thought=f"thinking of {number}")
    return {
        "instance_id": "1319603449",
        "history": history,
        "error": None,
        "metrics": {
            "accumulated_cost": steps * 0.01,
            "accumulated_token_usage": {"prompt_tokens": 1000 * steps, "completion_tokens": 50 * steps},
        },
        "test_result": {"git_patch": PATCH},
    }


def summary_of(verdict: Verdict | None, patch: str = PATCH) -> Summary:
    quality = (
        QualityCheck(id="patch-valid", ok=True, detail="415 bytes; over 100 is valid", level="required"),
        QualityCheck(id="patch-size", ok=False, detail="415 bytes; 1 KB to 100 KB is good"),
    )
    return Summary(
        f2p=verdict.fail_to_pass.fraction if verdict else None,
        p2p=verdict.pass_to_pass.fraction if verdict else None,
        patch_bytes=len(patch.encode()),
        history=7,
        cost=1.21,
        quality=quality,
    )


def ended_run(name: str = "01RUN", model: str = "llm.gpt", verdict: Verdict | None = None, number: int = 1) -> Run:
    """A run whose only attempt came to its end."""
    verdict = verdict or graded()
    done = attempt(
        "eval1",
        None,
        AttemptState.FINISHED,
        seconds=1132,
        outcome=verdict.outcome,
        summary=summary_of(verdict),
    )
    phases = tuple(
        phase.model_copy(update={"started_at": ago(1100), "seconds": seconds})
        for phase, seconds in zip(done.phases, (2.0, 131.0, 700.0, 151.0, 1.0, 4.0, 0.4), strict=True)
    )
    return run(name, REPO, "1319603449", model, done.model_copy(update={"phases": phases}), run_number=number)


def failed_run(name: str = "01BAD", line: int | None = 1204) -> Run:
    """A run whose second attempt failed in its evaluation."""
    why = failure("docker-daemon-down", "evaluation", line, "Docker does not run").model_copy(
        update={"evidence": "Cannot connect to the Docker daemon", "remedy": "start Docker, then retry"}
    )
    first = attempt("eval3", "image", AttemptState.FAILED, seconds=4000, failure=failure("docker-buildx", "image", 2))
    second = attempt("eval3", "evaluation", AttemptState.FAILED, number=2, seconds=900, failure=why)
    return run(name, "pallets/click", "1769880766", "llm.kimi", first, second)


def running_run(name: str = "01NOW") -> Run:
    return run(name, "psf/requests", "5182905279", "llm.claude", attempt("eval2", "trajectory", seconds=700))


def fleet_of(*runs: Run) -> FleetSnapshot:
    """A fleet of one idle instance, and these runs."""
    return snapshot(instance("eval1", ready=readiness("eval1")), others=runs)


def keep(
    layout: Layout,
    a_run: Run,
    verdict: Verdict | None = None,
    *,
    log: str = LOG,
    patch: str = PATCH,
    trajectory: dict[str, Any] | None = None,
) -> Path:
    """Write the tree of the run's latest attempt, and return its folder."""
    last = a_run.attempt
    assert last is not None
    folder = layout.attempt_results(a_run, last.number)
    evaluated = folder / "eval_outputs" / a_run.task
    evaluated.mkdir(parents=True)
    verdict = verdict or graded(log)
    (evaluated / "test_output.txt").write_text(log)
    (evaluated / "patch.diff").write_text(patch)
    (folder / "output.jsonl").write_text(json.dumps(trajectory or record()) + "\n")
    save_result(folder, _result(a_run, verdict))
    return folder


def write_log(layout: Layout, a_run: Run, phase: str, text: str, number: int | None = None) -> Path:
    """Write the log of a phase of an attempt, the latest unless named."""
    last = a_run.attempt
    assert last is not None
    path = layout.log(a_run.run, number or last.number, phase)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return path


def _result(a_run: Run, verdict: Verdict) -> AttemptResult:
    return AttemptResult(
        run=a_run.run,
        attempt=1,
        task=a_run.task,
        repo=a_run.repo,
        model=a_run.model,
        run_number=a_run.run_number,
        outcome=Outcome(verdict.outcome),
        summary=summary_of(verdict),
        verdict=verdict,
        phase_seconds={},
        provenance=Provenance(
            by="me",
            instance="eval1",
            host="eval1.example",
            started_at=ago(1132),
            recorded_at=NOW,
            recipe="native",
            image="s3://images/sepal.tar",
            velora_version="0",
        ),
    )
