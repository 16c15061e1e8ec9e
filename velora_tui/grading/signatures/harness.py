"""The harness on the instance: its files, its Python environment, its repository, its dataset."""

from __future__ import annotations

from velora_tui.domain.failure import FailureClass
from velora_tui.grading.signatures.signature import Signature, Table

_harness = Table(FailureClass.INFRASTRUCTURE, phases=("trajectory", "evaluation", "report"))
_script = Table(FailureClass.INFRASTRUCTURE, phases=("image",))
_python = Table(FailureClass.INFRASTRUCTURE, phases=("image", "trajectory", "evaluation", "report"))
_TOOLS = "jq|git|python3?|curl|wget|timeout|setsid|tar|gzip|bc|unzip|rsync|pgrep|nohup"
_FIELDS = (
    "instance_id|repo|base_commit|FAIL_TO_PASS|PASS_TO_PASS|test_patch|test_command|test_output_parser"
    "|problem_statement|image_storage_uri"
)

SCRIPT: tuple[Signature, ...] = (
    _script.row(
        "harness-missing",
        r"^velora: (?:there is no harness at|the harness script is missing)",
        "the harness is not where the fleet file says",
        "mend `harness` in the fleet file, or install the harness, then retry",
    ),
    _script.row(
        "harness-not-executable",
        r"^velora: the harness script is not executable",
        "the harness script may not be executed",
        "chmod +x the script, then retry",
        repair="push-files",
    ),
    _script.row(
        "harness-line-ends",
        r"(?:\^M: bad interpreter|env: '?\w+\\r'?: No such file|\$'\\r': command not found|^: invalid option$"
        r"|\.sh: cannot execute: required file not found|run_\w+\.sh: not found$)",
        "a script of the harness has Windows line ends",
        "push the good copy, then retry",
        repair="push-files",
        phases=(),
    ),
    _script.row(
        "dataset-missing",
        r"^ERROR: Dataset file not found: |^FileNotFoundError: Unable to find '\S+\.jsonl?'",
        "the script does not find the dataset that was uploaded",
        "look whether the instance's home folder and disk are sound, then retry",
        phases=("image", "trajectory"),
    ),
    _script.row(
        "tool-missing",
        rf"(?:line )?(?:\d+: )?\b(?:{_TOOLS}): (?:command )?not found|env: '(?:{_TOOLS})': No such file"
        rf"|nohup: failed to run command '(?:{_TOOLS})'",
        "a program that the harness's script needs is not installed",
        "install it on the instance, then retry",
        phases=(),
    ),
)

PYTHON: tuple[Signature, ...] = (
    _python.row(
        "poetry-missing",
        r"poetry: (?:command )?not found",
        "poetry is not installed, or not on the PATH of a non-interactive shell",
        "install it, or add $HOME/.local/bin to PATH in the fleet file's env, then retry",
    ),
    _python.row(
        "poetry-lock",
        r"pyproject\.toml changed significantly since poetry\.lock was last generated"
        r"|poetry\.lock is not up to date with pyproject\.toml",
        "the harness's poetry.lock does not fit its pyproject.toml",
        "run poetry lock and poetry install in the harness's root, then retry",
    ),
    _python.row(
        "python-version",
        r"(?:Current Python version \(\S+\) is not allowed by the project"
        r"|Poetry was unable to find a compatible version)",
        "the instance's Python is not one that the harness supports",
        "install Python 3.12 and tell poetry (poetry env use python3.12, poetry install), then retry",
    ),
    _python.row(
        "poetry-environment",
        r"Poetry could not find a pyproject\.toml file in|(?:The )?virtual environment found in .* seems to be broken"
        r"|Command not found: python|\bpython[\d.]*: bad interpreter: No such file or directory",
        "the harness's Python environment is broken, or the command ran elsewhere than in its root",
        "run poetry install in the harness's root, then retry",
    ),
    _python.row(
        "poetry-keyring",
        r"\s*(?:Failed to unlock the (?:collection|item)!|org\.freedesktop\.(?:DBus\.Error|secrets))",
        "poetry waits for a keyring that no terminal can open",
        "set PYTHON_KEYRING_BACKEND=keyring.backends.null.Keyring in the fleet file's env, then retry",
    ),
    _python.row(
        "openhands-module",
        r"No module named '?(?:openhands|evaluation)\b"
        r"|\S*python[\d.]*: Error while finding module specification for 'openhands",
        "the harness's Python environment is broken",
        "check PYTHONPATH and the poetry environment, then retry",
        phases=(),
    ),
    _python.row(
        "datasets-missing",
        r"No module named '?datasets\b",
        "the package `datasets` of the harness is missing",
        "install `datasets` in the harness's environment, then retry",
        repair="install-datasets",
    ),
    _python.row(
        "python-module",
        r"No module named '?[\w.]+",
        "a Python package of the harness is missing",
        "install the package in the harness's environment, then retry",
    ),
    _python.row(
        "python-import",
        r"ImportError: (?:cannot import name '|\S+: (?:undefined symbol|cannot open shared object)|.*version `GLIBC)",
        "packages of the harness's Python environment do not fit together",
        "run poetry install --sync in the harness's root, then retry",
    ),
    _python.row(
        "harness-syntax",
        r"^(?:SyntaxError|IndentationError|TabError): ",
        "a file of the harness is no valid Python: damaged, or edited by hand",
        "push the good copies, then retry",
        repair="push-files",
    ),
)

REPOSITORY: tuple[Signature, ...] = (
    _harness.row(
        "git-ownership",
        r"^fatal: detected dubious ownership in repository at '",
        "the harness's folder belongs to another user, so git refuses it",
        "give it to the user with chown -R, then retry",
    ),
    _harness.row(
        "not-a-git-repository",
        r"^fatal: not a git repository|^fatal: ambiguous argument 'HEAD': unknown revision"
        r"|'git', 'rev-parse', 'HEAD'\]'? returned non-zero",
        "the harness is not a git repository with a commit",
        "run git init, add and commit in the harness's root, then retry",
        repair="git-init",
        phases=("trajectory",),
    ),
    _harness.row(
        "git-identity",
        r"\*\*\* Please tell me who you are\.|^fatal: unable to auto-detect email address",
        "git does not know whose commit it is to make",
        "set user.name and user.email with git config --global, then retry",
        repair="git-init",
    ),
    _harness.row(
        "git-remote",
        r"^fatal: (?:unable to access 'https?://|Could not read from remote repository|Authentication failed for ')",
        "a repository could not be fetched from its server",
        "check network and rights, then retry",
    ),
)

CONFIGURATION: tuple[Signature, ...] = (
    _harness.row(
        "config-broken",
        r"(?:TomlDecodeError|TOMLDecodeError)\b|Cannot parse (?:config|\w+ group) from"
        r"|validation errors? for (?:LLM|Agent|Sandbox|OpenHands)Config",
        "the harness's config.toml cannot be read: no valid TOML, or a value of the wrong kind",
        "mend it, then retry",
    ),
    _harness.row(
        "dataset-field",
        rf"^KeyError: '(?:{_FIELDS})'",
        "the dataset lacks a field that this version of the harness needs",
        "add the field that the line names, then retry",
        kind=FailureClass.TASK,
    ),
    _harness.row(
        "dataset-unreadable",
        r"(?:DatasetNotFoundError|DatasetGenerationError|DatasetGenerationCastError)"
        r"|ArrowInvalid: JSON parse error",
        "the harness cannot read the dataset",
        "mend the dataset: one JSON object in a line, each field always of one type, then retry",
        kind=FailureClass.TASK,
        phases=("trajectory",),
    ),
    _harness.row(
        "agent-missing",
        r"^velora: the agent's command was not found",
        "the agent is not installed on the instance",
        "install it, or mend its command in the fleet file",
        phases=("trajectory",),
    ),
    _harness.row(
        "agent-unknown",
        r"(?:AgentNotRegisteredError|No agent class registered under)",
        "the harness knows no agent of that name",
        "mend the agent's name, or use a harness that has it, then retry",
        phases=("trajectory",),
    ),
)

EVALUATION: tuple[Signature, ...] = (
    _harness.row(
        "container-start",
        r"Failed to start container",
        "the evaluation's container did not start",
        "look at Docker on the instance, then retry",
        phases=("evaluation", "report"),
    ),
    _harness.row(
        "old-evaluator",
        r"Expecting property name enclosed in double quotes",
        "the harness has an old evaluator, which reads the dataset line by line",
        "push the fixed evaluator, then retry",
        repair="push-files",
        phases=("evaluation",),
    ),
    _harness.row(
        "golden-patch",
        r"^velora: a golden test patch does not apply|Failed to apply test patch",
        "a golden test patch of the dataset does not apply",
        "mend test_patches in the dataset: cut, of another commit, or applied to the image already",
        kind=FailureClass.TASK,
        phases=("evaluation",),
    ),
    _harness.row(
        "script-names",
        r"^KeyError: '(?:EVAL_OUTPUT_FILE|OUTPUT_DIR|INSTANCE_ID)'",
        "this version of the script does not export the names that its report step reads",
        "push the fixed script, then retry from evaluation",
        repair="push-files",
        phases=("report",),
    ),
)

GENERAL: tuple[Signature, ...] = (
    _harness.row(
        "output-not-there",
        r"ERROR: Could not find output\.jsonl!",
        "the script found no trajectory: the agent's phase died, or the script is an old one",
        "look at the last error of the trajectory, push the good script, then retry",
        repair="push-files",
        phases=("trajectory", "evaluation"),
        is_vague=True,
        points_up=True,
    ),
    _harness.row(
        "agent-gave-up",
        r"Maximum error retries reached for instance",
        "the agent could not start after several tries",
        "read the error, mend the cause, then retry",
        phases=("trajectory",),
        is_vague=True,
        points_up=True,
    ),
)
