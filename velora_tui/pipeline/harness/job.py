"""The job that runs the users' script (HARNESS.md, "Calling")."""

from __future__ import annotations

from velora_tui.domain.fleet import HARNESS_SCRIPT
from velora_tui.domain.image import S3Object, image_source, parse_s3
from velora_tui.hosts.shell import assign, quote_path
from velora_tui.pipeline.harness.banners import PHASES
from velora_tui.pipeline.harness.phase_limits import watcher
from velora_tui.pipeline.limits import together_seconds
from velora_tui.pipeline.phase import PhaseContext

SCRIPT = HARNESS_SCRIPT
DEFAULT_ROOT = "~/SWETEs7/OpenHands"

# PYTHONUNBUFFERED: `### OUTPUT FILE` comes when it is known, not when the agent has ended.
_FIXED = {
    "USE_SWELANCER_MONOLITH": "false",
    "LOG_ALL_EVENTS": "true",
    "PYTHONUNBUFFERED": "1",
    "EVAL_OUTPUT_FILE": "velora",
    "OUTPUT_DIR": "velora",
}

_RUN = r"""
cd -- "$root" || { echo "velora: there is no harness at $root"; exit 66; }
if [ ! -f "$script" ]; then echo "velora: the harness script is missing: $root/$script"; exit 66; fi
if [ ! -x "$script" ]; then echo "velora: the harness script is not executable: $root/$script"; exit 77; fi
export PATH="$HOME/.local/bin:$PATH" PYTHONPATH="$PWD${PYTHONPATH:+:$PYTHONPATH}"
date '+%Y-%m-%d %H:%M:%S %z' >"$started" || exit 74
watch_phases 2>/dev/null &
guard=$!
trap : TERM
"./$script" "$model" "$dataset" 1 "$iterations" 1
status=$?
if [ -e "$spool/over_limit" ]; then
    wait "$guard"
    exit 124
fi
kill -s KILL "$guard" 2>/dev/null
exit "$status"
"""

# The script's containers don't die with it. They are known by their names, and by being younger than the job; when they
# were made is told by the daemon's clock, which need not be the instance's.
_CLEAN_UP = r"""
[ -f "$started" ] || exit 0
export PATH="$HOME/.local/bin:$PATH"
asked=$(date +%s%N)
told=$(timeout 10 docker info --format '{{.SystemTime}}' 2>/dev/null)
answered=$(date +%s%N)
there=$(date -d "${told:-@0}" +%s%N 2>/dev/null) || told=
if [ -z "$told" ]; then there=$answered; fi
began=$(date -r "$started" +%s%N)
if [ "$there" -lt "$asked" ] || [ "$there" -gt "$answered" ]; then began=$((began + there - asked)); fi
for id in $(timeout 10 docker ps -aq --filter name=openhands-runtime- --filter name=eval_pilot2_ 2>/dev/null); do
    known=$(timeout 5 docker inspect --format '{{.Created}} {{.Name}}' "$id" 2>/dev/null) || continue
    case ${known#* } in /openhands-runtime-* | /eval_pilot2_*) ;; *) continue ;; esac
    if [ "$(date -d "${known%% *}" +%s%N)" -ge "$began" ]; then
        timeout 20 docker rm -f "$id" >/dev/null 2>&1 && echo "velora: removed container ${known#* /}"
    fi
done
"""


def script(ctx: PhaseContext) -> str:
    """Return the job's script; its exit status is that of the users' script."""
    paths = {"root": root(ctx), "dataset": dataset_path(ctx), "started": started_path(ctx)}
    values = assign(script=SCRIPT, model=ctx.run.model, iterations=ctx.run.max_iterations)
    words = "".join(f"{name}={quote_path(path)}\n" for name, path in paths.items()) + values
    return watcher(ctx.fleet) + words + _RUN


def clean_up(ctx: PhaseContext) -> str:
    """Return the script that removes the containers which a run that was ended from outside has left."""
    return f"started={quote_path(started_path(ctx))}\n{_CLEAN_UP}"


def environment(ctx: PhaseContext) -> dict[str, str]:
    """Return the variables that the script needs; the fleet file's own win."""
    folder = image_folder(ctx)
    return {
        **_FIXED,
        "INSTANCE_ID": ctx.task.instance_id,
        "S3_BUCKET": folder.bucket,
        "S3_PREFIX": folder.key,
        "RUN_NUMBER": str(ctx.run.run_number),
        **_display_name(ctx),
        **ctx.instance.variables,
    }


def time_limit_seconds(ctx: PhaseContext) -> float:
    """Return how long the whole job may take: the limits of its phases together."""
    return together_seconds(ctx.fleet, PHASES)


def root(ctx: PhaseContext) -> str:
    """Return the harness's root folder on the instance."""
    return ctx.instance.harness or DEFAULT_ROOT


def dataset_name(ctx: PhaseContext) -> str:
    """Return the dataset file's name. The script names its output folder by it, so no other attempt may have it."""
    return f"{ctx.run.run}.{ctx.attempt}.jsonl"


def dataset_path(ctx: PhaseContext) -> str:
    """Return where the dataset lies on the instance."""
    return f"{ctx.remote}/{dataset_name(ctx)}"


def started_path(ctx: PhaseContext) -> str:
    """Return the file that holds the instance's local time when the script was started."""
    return f"{ctx.remote}/harness_started"


def image_folder(ctx: PhaseContext) -> S3Object:
    """Return bucket and key of the folder that holds the task's image."""
    source = image_source(ctx.task, ctx.fleet.s3.images)
    file = source if isinstance(source, S3Object) else parse_s3(f"{ctx.fleet.s3.images.rstrip('/')}/x")
    return S3Object(file.bucket, file.key.rpartition("/")[0])


def _display_name(ctx: PhaseContext) -> dict[str, str]:
    """Return a name of its own for a later attempt: February looks for its output by model and run number."""
    if ctx.attempt == 1:
        return {}
    return {"MODEL_DISPLAY_NAME": f"{ctx.fleet.label(ctx.run.model)}-{ctx.run.run}.{ctx.attempt}"}
