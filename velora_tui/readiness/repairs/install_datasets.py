"""install-datasets: install the `datasets` package in the harness's poetry environment."""

from __future__ import annotations

from velora_tui.domain.repair import Affected, RepairStep
from velora_tui.readiness.repairs.repair import Findings, Repair, Site

_LOOK = r"""
cd -- "$root" 2>/dev/null || { echo absent; exit; }
command -v poetry >/dev/null || { echo nopoetry; exit; }
poetry run python -c 'import datasets' >/dev/null 2>&1 && { echo ready; exit; }
poetry run python -c 'import sys; print("missing", sys.prefix)' 2>/dev/null || echo broken
"""

_ENDS = {
    "absent": "there is no harness at {root}",
    "nopoetry": "poetry is not installed there (looked in ~/.local/bin, too)",
    "broken": "poetry cannot run Python in {root}: its environment must be made first, with `poetry install`",
}


async def _look(site: Site) -> Findings:
    lines = (await site.run(site.head + _LOOK, time_limit_seconds=120)).text.split("\n")
    word, _, environment = next((line for line in reversed(lines) if line), "broken").partition(" ")
    if word == "ready":
        return Findings(nothing_to_do="`datasets` can be imported")
    if word != "missing":
        return Findings(refused=_ENDS.get(word, _ENDS["broken"]).format(root=site.harness))
    step = RepairStep(
        what="install `datasets` and what it needs with pip, in the harness's poetry environment",
        command=f'{site.head}cd -- "$root" && poetry run pip install --no-input --disable-pip-version-check datasets\n',
        time_limit_seconds=1800,
    )
    return Findings((step,), (Affected(kind="environment", name=environment),))


INSTALL_DATASETS = Repair("install-datasets", "install `datasets`", _look, "datasets")
