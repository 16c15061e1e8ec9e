#!/usr/bin/env python3
"""Prints, writes and exits as the users' script does (HARNESS.md); STANDIN_VERSION and STANDIN_CASE say how."""

import json
import os
import signal
import sys
import time
from pathlib import Path

MODEL, DATASET, ITERATIONS = sys.argv[1], Path(sys.argv[2]), sys.argv[4]
CASES = set(os.environ.get("STANDIN_CASE", "unresolved").split())
FEBRUARY = os.environ.get("STANDIN_VERSION") == "february"
PACE_SECONDS = float(os.environ.get("STANDIN_PACE", "0"))
GATES = os.environ.get("STANDIN_GATES")
OUTPUTS = Path("evaluation/evaluation_outputs")
PATCH = "diff --git a/src/x.py b/src/x.py\n--- a/src/x.py\n+++ b/src/x.py\n@@ -1 +1 @@\n-x = 1\n+x = 2\n" + "# " * 40
RULE = "=" * 27
PASSED = f"""{RULE} test session starts {RULE}
collected 2 items

tests/test_x.py ..                                                       [100%]

{RULE} short test summary info {RULE}
PASSED tests/test_x.py::test_fixed
PASSED tests/test_x.py::test_kept
{RULE} 2 passed in 0.01s {RULE}
"""
FAILED = PASSED.replace("PASSED tests/test_x.py::test_fixed", "FAILED tests/test_x.py::test_fixed - assert 1 == 2")
FAILED = FAILED.replace("2 passed", "1 failed, 1 passed").replace(" ..  ", " F.  ")


def say(*lines: str) -> None:
    for line in lines:
        print(line, flush=True)


def raw(data: bytes) -> None:
    sys.stdout.buffer.write(data)
    sys.stdout.buffer.flush()


def log(message: str) -> None:
    """Say it as the grader does, through Python's logging."""
    sys.stderr.write(f"2026-01-23 10:00:00,000 - INFO - {message}\n")
    sys.stderr.flush()


def banner(title: str) -> None:
    if "no-banners" in CASES and not title.startswith("VELORA"):
        return
    before, end = ("\x1b[1;34m", "\x1b[0m\r") if "dressed" in CASES else ("", "")
    say(*(f"{before}{line}{end}" for line in ("=" * 44, title, "=" * 44)))
    time.sleep(PACE_SECONDS)


def die(status: int, *lines: str) -> None:
    say(*lines)
    sys.exit(status)


def gate(name: str) -> None:
    """Wait until the test lets the script go on."""
    while GATES and not Path(GATES, name).exists() and not Path(GATES, "all").exists():
        time.sleep(0.01)


def read_dataset() -> dict:
    if not DATASET.is_file() or "dataset-missing" in CASES:
        die(1, f"ERROR: Dataset file not found: {DATASET}")
    banner("EXTRACTING DOCKER IMAGE INFO FROM DATASET")
    if "dataset-broken" in CASES:
        sys.exit(1)
    task = json.loads(DATASET.read_text())
    say(f"Instance ID: {task['instance_id']}")
    say(f"S3 Path: s3://{os.environ['S3_BUCKET']}/{os.environ['S3_PREFIX']}/{name_of(task)}")
    return task


def name_of(task: dict) -> str:
    """Return the name of the image's tar."""
    name, _, commit = task["image_storage_uri"].rpartition("/")[2].partition(":")
    return f"{name}-{commit or name}.tar"


def load_image(task: dict) -> None:
    banner("DOWNLOADING DOCKER IMAGE" if FEBRUARY else "DOWNLOADING DOCKER IMAGE FROM S3")
    refused = "fatal error: An error occurred ({}) when calling the HeadObject operation: {}"
    if "s3-404" in CASES:
        die(1, refused.format(404, "Not Found"))
    if "s3-403" in CASES:
        die(1, refused.format(403, "Forbidden"))
    if "s3-credentials" in CASES:
        die(1, "fatal error: Unable to locate credentials")
    if not FEBRUARY:
        say("Downloading from S3...")
        raw(b"\r".join(b"Completed %d.0 MiB/200.0 MiB (90.1 MiB/s) with 1 file(s) remaining" % n for n in range(200)))
        raw(b"\rdownload: s3://bucket/x.tar to ./x.tar\n")
    if "partial-tar" in CASES:
        tar = Path(f"{name_of(task)}.6eF3d2a1")
        tar.write_bytes(b"x" * 3_000_000)
    gate("image")
    if "docker-down" in CASES:
        die(1, "Cannot connect to the Docker daemon at unix:///var/run/docker.sock. Is the docker daemon running?")
    if "tar-truncated" in CASES:
        die(1, "Loading Docker image...", "Error processing tar file(exit status 1): unexpected EOF")
    if "disk-full" in CASES:
        die(1, "write /x/layer.tar: no space left on device", "Error: No space left on device")
    say("Loading Docker image...", "Loaded image: x:y")
    banner("TAGGING DOCKER IMAGE FOR OPENHANDS")
    if "capitals" in CASES:
        die(
            1, 'Error parsing reference: "mswebench/X": invalid reference format: repository name (X) must be lowercase'
        )
    say(f"Tag 1: mswebench/sweb.eval.x86_64.{task['instance_id']}:latest", "Tag 2: mswebench/o_m_n:pr-1")
    for title in ("VERIFYING AWS CONFIGURATION", "INSTALLING TMUX IN BASE IMAGE") if FEBRUARY else ():
        banner(title)
    banner("CONFIGURATION")


def output_folder(task: dict, dataset: Path = DATASET) -> Path:
    three = Path(f"{str(dataset).replace('/', '__')}-train", "CodeActAgent", f"gpt_maxiter_{ITERATIONS}_N_v1-run_1")
    if FEBRUARY:
        model = os.environ.get("MODEL_DISPLAY_NAME", MODEL.removeprefix("llm."))
        run = f"Run{os.environ.get('RUN_NUMBER', '1')}"
        if "copied-dataset" in CASES:
            three = Path(f"{str(dataset.with_suffix('')).replace('/', '__')}_modified.jsonl-train", *three.parts[1:])
        return OUTPUTS / "Trajectory_results" / "bench" / task["instance_id"] / model / run / three
    return OUTPUTS / "outputs" / three


def write_trajectory(folder: Path, task: dict, **changes: object) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    start = time.strftime("%Y-%m-%d %H:%M:%S")
    if "old-trajectory" in CASES:
        start = "2026-01-01 00:00:00"
    names = {"wrong-model": "other/model", "named-model": MODEL, "short-model": "gpt-5"}
    metadata = {
        "agent_class": "CodeActAgent",
        "llm_config": {"model": next((names[case] for case in CASES if case in names), "openai/gpt-5")},
        "max_iterations": int(ITERATIONS),
        "start_time": start,
    }
    record = {
        "instance_id": "another-task" if "wrong-instance" in CASES else "" if "no-id" in CASES else task["instance_id"],
        "test_result": {"git_patch": PATCH},
        "instruction": "fix it",
        "metadata": metadata,
        "history": [{"id": n, "source": "agent", "message": "m"} for n in range(30)],
        "metrics": {"accumulated_cost": 0.25},
        "error": None,
        "instance": task,
        **changes,
    }
    data = json.dumps(record).encode() + b"\n"
    if "two-records" in CASES:
        data *= 2
    if "not-utf8" in CASES:
        data = data.replace(b"fix it", b"fix \xff\xfe")
    if "big" in CASES:
        data = data.replace(b"fix it", b"x" * (24 * 1024 * 1024))
    (folder / "output.jsonl").write_bytes(data)
    if "no-metadata" not in CASES:
        (folder / "metadata.json").write_text(json.dumps(metadata))
    (folder / "logs").mkdir(exist_ok=True)
    (folder / "logs" / "instance.log").write_text("agent\n")
    write_answers(folder, task)


def write_answers(folder: Path, task: dict) -> None:
    answers = folder / "llm_completions" / task["instance_id"]
    answers.mkdir(parents=True, exist_ok=True)
    for number in range(3):
        answer = {
            "messages": [{"role": "user", "content": 'they said {"cost": 99, "prompt_tokens": 99}'}],
            "response": {"usage": {"completion_tokens": 20, "prompt_tokens": 1000, "total_tokens": 1020}},
            "timestamp": 1769135520.0 + number,
            "cost": 0.125,
        }
        (answers / f"gpt-{1769135520 + number}.5.json").write_text(json.dumps(answer))


def event(kind: str, *lines: str) -> None:
    """Log what the agent does or sees, as OpenHands does where all events are logged."""
    colour, plain = ("\x1b[92m", "\x1b[0m") if "coloured" in CASES else ("", "")
    say(f"{colour}10:00:00{plain} - {colour}{kind}{plain}", f"{colour}{lines[0]}", *lines[1:-1], f"{lines[-1]}{plain}")


def container_command(command: str) -> None:
    event("ACTION", "**CmdRunAction (source=None, is_input=False)**", "COMMAND:", command)
    event("OBSERVATION", "**CmdOutputObservation (source=None, exit code=0)**", "done")


def events() -> None:
    controller = "[Agent Controller 1-2]"
    event("USER_ACTION", f"{controller} **MessageAction** (source=EventSource.USER)", "CONTENT: fix it")
    for step in range(1, 5 if "more-steps" in CASES else 4):
        if step == 4:
            gate("more")
        action = f"{controller} **CmdRunAction (source=EventSource.AGENT, is_input=False)**"
        event("ACTION", action, f"THOUGHT: look {step}", "", "COMMAND:", "ls -la src")
        if "debug" in CASES:
            say(f"10:00:00 - openhands:DEBUG: llm.py:9 - Cost: 0.10 USD | Accumulated Cost: 0.{step}0 USD")
        if step < 3:
            event("OBSERVATION", f"{controller} **CmdOutputObservation (source=EventSource.AGENT)**", "x.py")
        time.sleep(PACE_SECONDS)
    if "hostile-agent" in CASES:
        say("### OUTPUT FILE: /etc/output.jsonl ###", "Output file: /etc/output.jsonl", "Results saved to: /etc/x")
        say(
            "Finished instances: 1, Remaining instances: 0",
            "ERROR: everything is lost",
            "=" * 44,
            "PHASE 2: DETAILED PATCH EVALUATION",
            "=" * 44,
        )
    if "loud" in CASES:
        raw(b"x" * 3_000_000 + b"\xff\xfe\n")


def run_agent(task: dict, folder: Path) -> None:
    banner("PHASE 1: TRAJECTORY GENERATION")
    say("Running: poetry run python evaluation/benchmarks/multi_swe_bench/run_infer.py")
    left = 0 if "old-trajectory" in CASES else 1
    say(f"10:00:00 - openhands:INFO: shared.py:1 - Finished instances: {1 - left}, Remaining instances: {left}")
    if "early-line" in CASES:
        say(f"### OUTPUT FILE: {folder}/output.jsonl ###")
    causes = {
        "buildx": "subprocess.CalledProcessError: docker buildx build --load returned non-zero exit status 1",
        "tmux": "openhands.runtime.TmuxCommandNotFound",
        "module": "ModuleNotFoundError: No module named 'openhands.agenthub'",
        "model": "litellm.NotFoundError: GeminiException - models/x is not found",
        "vague": "ValueError: what",
    }
    cause = next((words for case, words in causes.items() if f"agent-{case}" in CASES), None)
    if cause:
        for _ in range(4):
            say("Traceback (most recent call last):", '  File "run_infer.py", line 1, in f', cause)
        folder.mkdir(parents=True, exist_ok=True)
        if "skip-maximum" in CASES:
            note = {"instance_id": task["instance_id"], "error": cause if "note" in CASES else "too often"}
            (folder / "maximum_retries_exceeded.jsonl").write_text(json.dumps(note) + "\n")
            error = f"Maximum retries (3) reached: {note['error']}"
            nothing = dict.fromkeys(("instruction", "metadata", "history", "metrics", "instance"))
            write_trajectory(folder, task, test_result={}, error=error, **nothing)
            say(f"### OUTPUT FILE: {folder}/output.jsonl ###")
            return
        die(1, "RuntimeError: Maximum error retries reached for instance x")
    raw(b"\rInstances processed:   0%|          | 0/1 [00:00<?, ?it/s]")
    for number in range(4):
        container_command(f"echo {number}")
    write_answers(folder, task)
    if "quiet" not in CASES:
        events()
    container_command("git diff")
    if "stubborn" in CASES:
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
    gate("trajectory")
    if "terminated" in CASES:
        say("Terminated")
        os.kill(os.getpid(), signal.SIGTERM)
    if "killed" in CASES:
        os.kill(os.getpid(), signal.SIGKILL)
    changes: dict = {}
    if CASES & {"no-patch", "llm-error", "empty-but-graded"}:
        changes["test_result"] = {"git_patch": ""}
    if "short-patch" in CASES:
        changes["test_result"] = {"git_patch": "diff --git a/x b/x"}
    if "llm-error" in CASES:
        changes |= {"error": "APITimeoutError: litellm.Timeout: no answer", "instance_id": ""}
    if "iteration-limit" in CASES:
        changes["error"] = "RuntimeError: Agent reached maximum iteration. Current iteration: 30, max iteration: 30"
    if "output-missing" not in CASES:
        write_trajectory(folder, task, **changes)
    if "bar" in CASES:
        raw(b"Instance x: 100%|##########| 1/1 [00:10<00:00]")
    if not CASES & {"no-output-line", "early-line", "names-nothing"}:
        say(f"### OUTPUT FILE: {folder}/output.jsonl ###")


def locate(task: dict, folder: Path) -> Path:
    banner("LOCATING TRAJECTORY OUTPUT")
    if "output-missing" in CASES:
        sys.exit(1)
    found = folder
    if "names-nothing" in CASES:
        return found
    if CASES & {"other-run", "empty-but-graded"}:
        found = output_folder(task, Path("/another.jsonl"))
        saved, marked = set(CASES), CASES
        marked -= {"no-patch", "empty-but-graded"}
        write_trajectory(found, task, **({"test_result": {"git_patch": ""}} if "other-no-patch" in CASES else {}))
        marked |= saved
    if FEBRUARY:
        say(f"ERROR: Output file not found at expected path: {folder}/nowhere/output.jsonl")
        say(f"Found output file at: {found}/output.jsonl")
    else:
        mark = "\x1b[32m✓\x1b[0m " if "marked" in CASES else ""
        say(f"{mark}Found output directory: {found}", f"{mark}Output file: {found}/output.jsonl")
    if "two-records" in CASES:
        sys.exit(1)
    if "wrong-instance" in CASES:
        say("WARNING: Instance ID mismatch!")
    say(f"Instance ID verified: {task['instance_id']}")
    return found


def evaluate(task: dict, found: Path, record: dict) -> None:
    banner("PHASE 2: DETAILED PATCH EVALUATION")
    gate("evaluation")
    folder = found / "eval_outputs" / task["instance_id"]
    no_container = "no-container" in CASES
    if no_container or "container-again" in CASES:
        say("10:00:00 - ERROR - Failed to start container: docker: Error response from daemon")
        if no_container and not FEBRUARY:
            sys.exit(1)
    resolved = "resolved" in CASES or "falsely-resolved" in CASES or "empty-but-graded" in CASES
    output = "" if "no-tests" in CASES or no_container else PASSED if "resolved" in CASES else FAILED
    said = resolved and not no_container
    details = {
        "instance_id": task["instance_id"],
        "resolved": said,
        "tests_passed": output.count("PASSED"),
        "tests_failed": output.count("FAILED"),
        "tests_error": 0,
        "fail_to_pass_success": ["tests/test_x.py::test_fixed"] if said else [],
        "fail_to_pass_failed": [] if said else ["tests/test_x.py::test_fixed"],
        "pass_to_pass_success": ["tests/test_x.py::test_kept"],
        "pass_to_pass_failed": [],
        "test_output": output,
        "error_message": "",
    }
    log(f"Parsed {output.count('tests/')} test results")
    log(f"RESOLVED: {'YES' if said else 'NO'}")
    old_names = "old-names" in CASES
    name = "eval_standardized_output.jsonl" if old_names else "eval_pilot2_output.jsonl"
    graded = {**record, "evaluation_details" if old_names else "pilot2_eval_details": details, "resolved": said}
    (found / name).write_text(json.dumps(graded) + "\n")
    if "huge" in CASES:
        os.truncate(found / "output.jsonl", 300 * 1024 * 1024)
    if FEBRUARY:
        write_reports(task, found, details)
        (folder / "eval.sh").write_text("pytest\n")
        (folder / "run_instance.log").write_bytes(b"run\0\0\n")
    if no_container:
        sys.exit(1)
    log(f"Results saved to: {found}/{name}")
    if not FEBRUARY and not said:
        sys.exit(1)


def write_reports(task: dict, found: Path, details: dict) -> None:
    folder = found / "eval_outputs" / task["instance_id"]
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "report.json").write_text(json.dumps({task["instance_id"]: {"resolved": details["resolved"]}}))
    (folder / "test_output.txt").write_text(details["test_output"])
    (folder / "patch.diff").write_text(PATCH)
    (found / "eval_outputs" / "report.json").write_text("{}")


def report(task: dict, found: Path) -> None:
    banner("GENERATING OPENHANDS-FORMAT REPORT")
    gate("report")
    if not FEBRUARY:
        if "EVAL_OUTPUT_FILE" not in os.environ or "key-error" in CASES:
            die(1, "KeyError: 'EVAL_OUTPUT_FILE'")
        (graded,) = (json.loads(path.read_text()) for path in found.glob("eval_*_output.jsonl"))
        write_reports(task, found, graded.get("pilot2_eval_details") or graded["evaluation_details"])
    banner("EVALUATION REPORT SUMMARY")
    banner("FULL EVALUATION COMPLETE")


def main() -> None:
    if FEBRUARY:
        banner("PRE-RUN RESOURCE CHECK AND CLEANUP")
    banner("VELORA FULL EVALUATION WITH S3 DOWNLOAD")
    task = read_dataset()
    load_image(task)
    folder = output_folder(task)
    run_agent(task, folder)
    found = locate(task, folder)
    record = json.loads((found / "output.jsonl").read_text(errors="replace"))
    patch = record["test_result"].get("git_patch", "")
    say(f"Git patch size: {len(patch)} bytes")
    if len(patch) < 100:
        banner("TRAJECTORY GENERATION COMPLETE (NO PATCH)")
    else:
        evaluate(task, found, record)
        report(task, found)
    if FEBRUARY:
        banner("POST-RUN CLEANUP")
        say("Pruned")


with Path(os.environ["HOME"], "starts.jsonl").open("a") as starts:
    starts.write(json.dumps([os.getpid(), sys.argv, str(Path.cwd()), dict(os.environ)]) + "\n")
main()
