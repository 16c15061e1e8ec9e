"""A check of the LLM keys: whether each model's provider takes the key that the harness would send it."""

from __future__ import annotations

from shlex import quote

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

_SECONDS = 60

# Asks each provider for its models, which costs nothing, at the same time. A key goes only where config.toml sends it:
# redirects are not followed. What it prints names no key. The providers' own addresses are those of their documents.
_PROGRAM = r"""
import sys, tomllib
from concurrent.futures import ThreadPoolExecutor
from urllib.error import HTTPError
from urllib.request import HTTPRedirectHandler, Request, build_opener

PROVIDERS = {
    "openai": "https://api.openai.com/v1",
    "anthropic": "https://api.anthropic.com/v1",
    "openrouter": "https://openrouter.ai/api/v1",
    "deepseek": "https://api.deepseek.com",
    "mistral": "https://api.mistral.ai/v1",
}

class Stay(HTTPRedirectHandler):
    def redirect_request(self, *of):
        return None

def ask(section):
    section = {**common, **section}  # what a model's section lacks stands in [llm]
    key, provider = section.get("api_key"), section.get("model", "").partition("/")[0]
    address = section.get("base_url") or PROVIDERS.get(provider)
    if not key or not address:
        return "no-key" if not key else "no-address"
    headers = {"Authorization": "Bearer " + key, "x-api-key": key, "anthropic-version": "2023-06-01"}
    try:
        with build_opener(Stay).open(Request(address.rstrip("/") + "/models", headers=headers), timeout=15) as answer:
            return str(answer.status)
    except HTTPError as error:
        return str(error.code)
    except (OSError, ValueError) as error:
        return type(getattr(error, "reason", error)).__name__

with open("config.toml", "rb") as file:
    config = tomllib.load(file)
common = config.get("llm", {})
sections = {name: config.get(name) or common.get(name.removeprefix("llm.")) for name in sys.argv[1:]}
sections = {name: section for name, section in sections.items() if isinstance(section, dict)}
with ThreadPoolExecutor(8) as pool:
    for name, said in zip(sections, pool.map(ask, sections.values())):
        print("key", name, said)
"""

_REFUSED = {"401", "403"}
_WORDS = {"no-key": "has no api_key in config.toml", "no-address": "names no base_url, and a provider not known here"}


def _probe(subject: Subject) -> str:
    names = " ".join(map(quote, subject.fleet.models))
    return f"{subject.in_root}poetry run python -c {quote(_PROGRAM)} {names}"


def _judge(subject: Subject, answer: Answer) -> Verdict:
    if answer.exit_status == NO_FOLDER:
        return no_root(subject)
    if answer.exit_status == NOT_FOUND:
        return unclear(answer, "poetry can't be run")
    lines = (line.split() for line in answer.text.splitlines() if line.startswith("key "))
    said = {line[1]: line[2] for line in lines if len(line) == 3}
    if answer.exit_status != 0 or not said:
        return unclear(answer, "config.toml tells of no key")
    refused = [name for name, word in said.items() if word in _REFUSED]
    if refused:
        return failed(f"the key of {', '.join(refused)} is refused (status {said[refused[0]]})")
    silent = [name for name, word in said.items() if word != "200"]
    if not silent:
        return passed(f"{len(said)}/{len(said)} keys are taken")
    word = said[silent[0]]
    if word == "no-key":
        return warned(f"{silent[0]} {_WORDS[word]}")
    return unclear(Answer(0, f"{silent[0]} {_WORDS.get(word, word)}"), "a provider tells nothing of the key")


CHECKS = (
    Check(
        "llm-key",
        "LLM keys are taken",
        _probe,
        _judge,
        slow=True,
        loud=True,
        applies=lambda subject: on_harness(subject) and bool(subject.fleet.models),
        time_limit_seconds=_SECONDS,
    ),
)
