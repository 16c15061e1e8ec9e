"""Builds finished runs as the users' harness leaves them (HARNESS.md, "Files"), in any of its layouts."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

F2P = ["tests/test_cart.py::test_total"]
P2P = ["tests/test_cart.py::test_empty", "tests/test_cart.py::test_add"]
PATCH = """\
diff --git a/shop/cart.py b/shop/cart.py
--- a/shop/cart.py
+++ b/shop/cart.py
@@ -1,2 +1,3 @@
 def total(items):
-    return 0
+    # the sum of what the items cost, each as often as it is in the cart
+    return sum(item.price * item.count for item in items)
"""


def log(**statuses: str) -> str:
    """Return what pytest -rA prints; keys are test functions of tests/test_cart.py."""
    lines = [f"{status} tests/test_cart.py::{name}" for name, status in statuses.items()]
    head = "=========================== short test summary info ============================"
    return "\n".join([f"collected {len(lines)} items", "", head, *lines, f"==== {len(lines)} passed in 0.10s ====", ""])


ALL_PASS = log(test_total="PASSED", test_empty="PASSED", test_add="PASSED")


@dataclass
class Finished:
    """A finished run; what it says can be changed before it is written."""

    task: str = "shop-1"
    model: str = "openai/gpt-5.2"
    patch: str = PATCH
    output: str | None = ALL_PASS
    resolved: bool = True
    f2p: dict[str, bool] = field(default_factory=lambda: dict.fromkeys(F2P, True))
    p2p: dict[str, bool] = field(default_factory=lambda: dict.fromkeys(P2P, True))
    error: str | None = None
    start_time: str = "2026-01-28 06:20:08"
    steps: int = 30
    observation: str = ""
    cost: float = 0.5
    instance: dict[str, Any] = field(default_factory=dict)

    @property
    def metadata(self) -> dict[str, Any]:
        return {
            "agent_class": "CodeActAgent",
            "llm_config": {"model": self.model, "api_key": "**********"},
            "max_iterations": 200,
            "start_time": self.start_time,
        }

    @property
    def record(self) -> dict[str, Any]:
        """The object in output.jsonl."""
        history = [
            {
                "id": step,
                "timestamp": f"2026-01-28T06:{21 + step // 60:02}:{step % 60:02}.5",
                "source": "agent",
                "content": self.observation,
            }
            for step in range(self.steps)
        ]
        return {
            "instance_id": self.task,
            "test_result": {"git_patch": self.patch},
            "instruction": "Mend the total.",
            "metadata": self.metadata,
            "history": history,
            "metrics": {"accumulated_cost": self.cost, "costs": []},
            "error": self.error,
            "instance": {
                "instance_id": self.task,
                "repo": "acme/shop",
                "base_commit": "0123abcd",
                "FAIL_TO_PASS": str(F2P),
                "PASS_TO_PASS": str(P2P),
                "test_command": "pytest -rA",
                "test_output_parser": "python/parse_log_pytest_v3",
                **self.instance,
            },
        }

    @property
    def details(self) -> dict[str, Any]:
        return {
            "instance_id": self.task,
            "resolved": self.resolved,
            "failed_apply_patch": False,
            "error_eval": False,
            "tests_passed": (self.output or "").count("PASSED "),
            "tests_failed": (self.output or "").count("FAILED "),
            "tests_error": 0,
            "fail_to_pass_success": [name for name, good in self.f2p.items() if good],
            "fail_to_pass_failed": [name for name, good in self.f2p.items() if not good],
            "pass_to_pass_success": [name for name, good in self.p2p.items() if good],
            "pass_to_pass_failed": [name for name, good in self.p2p.items() if not good],
            "test_output": self.output or "",
            "error_message": "",
        }

    @property
    def report(self) -> dict[str, Any]:
        return {
            self.task: {
                "patch_is_None": False,
                "patch_exists": True,
                "patch_successfully_applied": True,
                "resolved": self.resolved,
                "tests_status": {"FAIL_TO_PASS": _lists(self.f2p), "PASS_TO_PASS": _lists(self.p2p)},
            }
        }

    def write(
        self,
        folder: Path,
        *,
        indent: int | None = None,
        graded: str = "eval_pilot2_output.jsonl",
        details: str = "pilot2_eval_details",
        reports: str = "eval_outputs",
        without: tuple[str, ...] = (),
    ) -> Path:
        """Write the run's files below `folder`, except those in `without`."""
        evaluation = f"{reports}/{self.task}"
        files: dict[str, str] = {"output.jsonl": _json(self.record, indent), "metadata.json": _json(self.metadata, 2)}
        if self.output is not None:
            record = {**self.record, details: self.details, "resolved": self.resolved}
            files |= {
                graded: _json(record, indent),
                f"{reports}/report.json": _json({"resolved_ids": [], "schema_version": 2}, 2),
                f"{evaluation}/report.json": _json(self.report, 4),
                f"{evaluation}/test_output.txt": self.output,
                f"{evaluation}/patch.diff": self.patch,
            }
        for path, text in files.items():
            if path not in without and path.rpartition("/")[2] not in without:
                target = folder / path
                target.parent.mkdir(parents=True, exist_ok=True)
                target.write_text(text, encoding="utf-8")
        return folder


def january(root: Path, run: int = 1, task: str = "shop-1", model: str = "gpt-5.2") -> Path:
    """Return where the January script puts a run."""
    return root / f"__home__ubuntu__{task}.jsonl-train/CodeActAgent/{model}_maxiter_200_N_v1.1.0-no-hint-run_{run}"


def february(root: Path, run: int = 1, task: str = "shop-1", model: str = "Gpt") -> Path:
    """Return where the February script puts a run."""
    below = january(Path(), 1, task).as_posix()
    return root / f"Trajectory_results/velora/{task}/{model}/Run{run}/{below}"


def _json(document: object, indent: int | None) -> str:
    return json.dumps(document, indent=indent) + "\n"


def _lists(tests: dict[str, bool]) -> dict[str, list[str]]:
    return {
        "success": [n for n, good in tests.items() if good],
        "failure": [n for n, good in tests.items() if not good],
    }
