"""Results as files that other tools read: CSV, JSON, JSON Lines, Markdown and one self-contained HTML page."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from typing import Any

from velora_tui.domain.compare import ModelSummary, PassAtK, summarise
from velora_tui.domain.counting import tally
from velora_tui.domain.listing import ResultRow

COLUMNS = (
    "task", "repo", "model", "run_number", "attempt", "outcome", "resolved", "verified", "harness_resolved", "flips",
    "f2p_passed", "f2p_listed", "p2p_passed", "p2p_listed", "tests_run", "patch_bytes", "history", "cost", "seconds",
    "started_at", "instance", "quality_good", "quality_checks", "valid", "why", "flags", "origin", "key", "folder",
)  # fmt: skip
_MODEL_HEAD = ("model", "tasks", "valid runs", "resolved", "rate", "pass@1", "F2P", "P2P", "cost")
_RESULT_HEAD = ("task", "model", "run", "outcome", "F2P", "P2P", "patch", "history", "cost", "notes")
_FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r")


def export_record(row: ResultRow) -> dict[str, Any]:
    """Return a result as a flat object whose keys are COLUMNS."""
    found = {
        "resolved": row.resolved,
        "verified": row.is_verified,
        "valid": row.is_valid,
        "flags": list(row.flags),
        "outcome": row.outcome.value,
    }
    return {name: found[name] if name in found else getattr(row, name) for name in COLUMNS}


def as_csv(rows: Iterable[ResultRow]) -> Iterator[str]:
    """Yield a CSV file with a head line. Text that a spreadsheet would run as a formula gets an apostrophe."""
    yield _csv_line(COLUMNS)
    for row in rows:
        yield _csv_line([_csv_value(value) for value in export_record(row).values()])


def as_jsonl(rows: Iterable[ResultRow]) -> Iterator[str]:
    """Yield a JSON object on a line for each result."""
    for row in rows:
        yield json.dumps(export_record(row), ensure_ascii=False) + "\n"


def as_json(rows: Iterable[ResultRow]) -> Iterator[str]:
    """Yield one JSON document: {"results": […]}."""
    yield json.dumps({"results": [export_record(row) for row in rows]}, ensure_ascii=False, indent=1) + "\n"


def as_markdown(rows: Sequence[ResultRow]) -> Iterator[str]:
    """Yield a Markdown document: the models, then every result."""
    yield "# Results\n\n"
    models = summarise(rows)
    yield from _markdown_table(_MODEL_HEAD, (_model_values(summary) for summary in models))
    yield "\n"
    yield from _markdown_table(_RESULT_HEAD, (_result_values(row) for row in rows))


def as_html(rows: Sequence[ResultRow], title: str, made_at: datetime) -> Iterator[str]:
    """Yield one HTML page that needs no other file; whatever comes from outside is escaped in it."""
    from jinja2 import Environment, PackageLoader, StrictUndefined

    environment = Environment(
        loader=PackageLoader("velora_tui.view", "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["percent"] = _percent
    environment.filters["of_tasks"] = _of_tasks
    models = summarise(rows)
    tasks = sorted({(row.repo, row.task) for row in rows})
    yield from environment.get_template("report.html.j2").generate(
        title=title,
        made_at=made_at.strftime("%Y-%m-%d %H:%M %Z"),
        models=models,
        rows=rows,
        tasks=tasks,
        cells=_by_task_and_model(rows),
        total=len(rows),
        tally=tally(rows),
    )


def predictions(patches: Iterable[tuple[ResultRow, str]]) -> Iterator[str]:
    """Yield SWE-bench's predictions.jsonl: a line for each result, with its patch."""
    for row, patch in patches:
        line = {"instance_id": row.task, "model_name_or_path": row.model, "model_patch": patch}
        yield json.dumps(line) + "\n"


def _csv_value(value: object) -> object:
    if isinstance(value, list):
        value = " ".join(value)
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str) and value.startswith(_FORMULA_STARTS):
        return f"'{value}"
    return value


def _csv_line(values: Iterable[object]) -> str:
    line = io.StringIO()
    csv.writer(line, lineterminator="\n").writerow(values)
    return line.getvalue()


def _markdown_table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> Iterator[str]:
    yield f"| {' | '.join(head)} |\n|{' --- |' * len(head)}\n"
    for row in rows:
        yield f"| {' | '.join(map(_markdown_text, row))} |\n"


def _markdown_text(text: str) -> str:
    """Return `text` so that nothing in it ends a cell or becomes markup."""
    flat = " ".join(text.split())
    return "".join(f"\\{character}" if character in "\\|`*_[]<>#~" else character for character in flat)


def _model_values(summary: ModelSummary) -> tuple[str, ...]:
    first = next((found for found in summary.pass_at if found.k == 1), None)
    return (
        summary.model or "–",
        str(summary.tasks),
        str(summary.valid),
        str(summary.resolved),
        _percent(summary.resolved_rate),
        _percent(first.value if first else None) + _of_tasks(first, summary),
        _fraction(*summary.f2p),
        _fraction(*summary.p2p),
        f"${summary.cost_total:.2f}",
    )


def _of_tasks(found: PassAtK | None, summary: ModelSummary) -> str:
    """Return how many tasks a pass@k rests on, where these are not all."""
    return f" ({found.tasks} of {summary.tasks} tasks)" if found and found.tasks < summary.tasks else ""


def _result_values(row: ResultRow) -> tuple[str, ...]:
    return (
        row.task or "–",
        row.model or "–",
        _text(row.run_number),
        row.outcome.value,
        _fraction(row.f2p_passed, row.f2p_listed),
        _fraction(row.p2p_passed, row.p2p_listed),
        _text(row.patch_bytes),
        _text(row.history),
        "–" if row.cost is None else f"${row.cost:.2f}",
        row.why or " ".join(row.flags),
    )


def _by_task_and_model(rows: Iterable[ResultRow]) -> dict[tuple[str, str], list[ResultRow]]:
    found: dict[tuple[str, str], list[ResultRow]] = {}
    for row in rows:
        found.setdefault((row.task, row.model), []).append(row)
    return {key: sorted(runs, key=lambda row: (row.run_number or 0, row.attempt)) for key, runs in found.items()}


def _percent(value: float | None) -> str:
    return "–" if value is None else f"{100 * value:.1f} %"


def _fraction(passed: int | None, listed: int | None) -> str:
    return "–" if passed is None or listed is None else f"{passed}/{listed}"


def _text(value: int | None) -> str:
    return "–" if value is None else str(value)
