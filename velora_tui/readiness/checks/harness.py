"""Checks of the users' harness: its script, its Python, its repository, its configuration (SYSTEM.md)."""

from __future__ import annotations

import re
from shlex import quote

from velora_tui.domain.fleet import HARNESS_SCRIPT
from velora_tui.readiness.checks.check import (
    NO_FOLDER,
    NOT_FOUND,
    Answer,
    Check,
    Subject,
    Verdict,
    failed,
    no_root,
    on_harness,
    passed,
    unclear,
    warned,
)
from velora_tui.readiness.files import has_good_copy, no_good_copy
from velora_tui.view.text import clean_text

_IMPORT_SECONDS = 120
_NOT_EXECUTABLE = 77
# Variables that spoil runs wherever they are set (SYSTEM.md, "Known failures"; HARNESS.md, the table of exits).
_SPOILING = ("RUNTIME_CONTAINER_IMAGE", "SANDBOX_RUNTIME_CONTAINER_IMAGE", "EVAL_SKIP_MAXIMUM_RETRIES_EXCEEDED")
_HARMLESS_VALUES = {"", "false", "0", "no"}

_PRINT_VARIABLES = r"""
for name in {names}; do
    value=$(printenv "$name") && printf 'environment: %s=%.200s\n' "$name" "$value"
done
cd -- {root} 2>/dev/null
grep -HsE '^[[:space:]]*(export[[:space:]]+)?({pattern})=' ~/.bashrc ~/.bash_profile ~/.profile ~/.pam_environment \
    /etc/environment ./.env
grep -HsiE '^[[:space:]]*({pattern})[[:space:]]*=' ./config.toml
true
"""
_SECTIONS = "[ -f config.toml ] || exit 1\ngrep -E '^[[:space:]]*[[]' config.toml; true"
_VARIABLE = re.compile(r"^(.*?):\s*(?:export\s+)?([A-Za-z_]+)\s*=\s*([\"']?)(.*?)\3\s*(?:#.*)?$")


def _script_probe(subject: Subject) -> str:
    script = quote(HARNESS_SCRIPT)
    return f"{subject.in_root}[ -f {script} ] || exit 1\n[ -x {script} ] || exit {_NOT_EXECUTABLE}"


def _judge_script(subject: Subject, answer: Answer) -> Verdict:
    match answer.exit_status:
        case 0:
            return passed("there, executable")
        case 1:
            return _wrong_script(subject, "run_full_eval_with_s3.sh is missing")
        case 77:
            return _wrong_script(subject, "run_full_eval_with_s3.sh is not executable")
        case 66:
            return no_root(subject)
        case _:
            return unclear(answer, "it can't be looked at")


def _wrong_script(subject: Subject, what: str) -> Verdict:
    if has_good_copy(subject.fleet, HARNESS_SCRIPT):
        return failed(what)
    return failed(f"{what}, and {no_good_copy(HARNESS_SCRIPT)}", mends=False)


def _import_probe(module: str) -> str:
    return f'export PYTHONPATH="$PWD${{PYTHONPATH:+:$PYTHONPATH}}"\npoetry run python -c "import {module}"'


def _judge_import(module: str, subject: Subject, answer: Answer) -> Verdict:
    if answer.exit_status == 0:
        return passed(f"{module} can be imported")
    if answer.exit_status == NO_FOLDER:
        return no_root(subject)
    if answer.exit_status == NOT_FOUND:
        return failed("poetry is not there, nor in ~/.local/bin", mends=False)
    if re.search(r"^(\w*Error|poetry|Poetry)\b.*|^Command not found: python", answer.text, re.MULTILINE):
        return failed(answer.last_line)
    return unclear(answer, f"importing {module} tells nothing")


def _judge_git(subject: Subject, answer: Answer) -> Verdict:
    if answer.exit_status == NO_FOLDER:
        return no_root(subject)
    if answer.exit_status == 0 and re.fullmatch(r"[0-9a-f]{40,64}", answer.text):
        return passed(f"at {answer.text[:10]}")
    if "not a git repository" in answer.text:
        return failed("the harness is not a git repository")
    if re.search(r"ambiguous argument 'HEAD'|Needed a single revision|unknown revision", answer.text):
        return failed("the harness's git repository has no commit")
    if answer.exit_status == NOT_FOUND:
        return failed("git is not installed", mends=False)
    return unclear(answer, "git tells nothing")


def _judge_config(subject: Subject, answer: Answer) -> Verdict:
    if answer.exit_status == NO_FOLDER:
        return no_root(subject)
    if answer.exit_status == 1 and not answer.text:
        return failed("config.toml is missing")
    if answer.exit_status != 0:
        return unclear(answer, "config.toml can't be read")
    headers = {re.sub(r"[\s\"']", "", line.partition("#")[0]) for line in answer.text.splitlines()}
    models = list(subject.fleet.models)
    missing = [model for model in models if f"[{model}]" not in headers]
    if missing:
        return failed(f"{len(models) - len(missing)}/{len(models)}: no section [{'], ['.join(missing)}]")
    return passed(f"{len(models)}/{len(models)} models")


def _env_probe(subject: Subject) -> str:
    root = subject.in_root.split(" -- ", 1)[1].split(" 2>", 1)[0]
    return _PRINT_VARIABLES.format(names=" ".join(_SPOILING), pattern="|".join(_SPOILING), root=root)


def _judge_env(subject: Subject, answer: Answer) -> Verdict:
    if answer.exit_status != 0:
        return unclear(answer, "the variables can't be read")
    ours = [("the fleet file", name, "", subject.instance.env.get(name, "")) for name in _SPOILING]
    lines = (match.groups() for line in answer.text.splitlines() if (match := _VARIABLE.match(line)))
    found = [entry for entry in lines if not (entry[0] == "environment" and entry[1] in subject.instance.env)]
    wrong = [entry for entry in (*ours, *found) if entry[3].strip().lower() not in _HARMLESS_VALUES]
    if not wrong:
        return passed("no variable that spoils runs")
    where, name, _, value = wrong[0]
    more = f", and {len(wrong) - 1} more" if len(wrong) > 1 else ""
    words = clean_text(f"{name}={value[:60]} in {where}{more}", 160)
    mends = any(entry[0] != "the fleet file" for entry in wrong)
    fatal = any(entry[3].strip().lower() == "skip" for entry in wrong)
    return failed(words, mends=mends) if fatal else warned(words, mends=mends)


CHECKS = (
    Check(
        "script",
        "harness script",
        _script_probe,
        _judge_script,
        blocking=True,
        repair="push-files",
        applies=on_harness,
    ),
    Check(
        "poetry",
        "poetry works",
        lambda subject: subject.in_root + _import_probe("openhands.agenthub"),
        lambda subject, answer: _judge_import("openhands.agenthub", subject, answer),
        blocking=True,
        slow=True,
        loud=True,
        applies=on_harness,
        time_limit_seconds=_IMPORT_SECONDS,
    ),
    Check(
        "git",
        "harness is a git repository",
        lambda subject: f"{subject.in_root}git rev-parse --verify HEAD",
        _judge_git,
        repair="git-init",
        applies=on_harness,
    ),
    Check(
        "datasets",
        "datasets can be imported",
        lambda subject: subject.in_root + _import_probe("datasets"),
        lambda subject, answer: _judge_import("datasets", subject, answer),
        repair="install-datasets",
        slow=True,
        loud=True,
        applies=on_harness,
        time_limit_seconds=_IMPORT_SECONDS,
    ),
    Check(
        "config",
        "config.toml has the models",
        lambda subject: subject.in_root + _SECTIONS,
        _judge_config,
        loud=True,
        applies=on_harness,
    ),
    Check(
        "env",
        "no variable that spoils runs",
        _env_probe,
        _judge_env,
        repair="unset-variable",
        loud=True,
        applies=on_harness,
    ),
)
