"""The form that starts a run: remembered, checked while one types, refused in one clear line."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Sequence
from pathlib import Path
from typing import ClassVar

from pydantic import BaseModel, ValidationError
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal
from textual.content import Content
from textual.widgets import Checkbox, Input, Select, Static

from velora_tui.domain.requests import RunRequest
from velora_tui.domain.run import Run
from velora_tui.domain.task import Task
from velora_tui.errors import StoreError, VeloraError
from velora_tui.store.datasets import load_dataset
from velora_tui.store.files import read_limited, write_json
from velora_tui.ui.content import content
from velora_tui.ui.port import EngineLike
from velora_tui.ui.screens.dialog import Dialog, keys_line
from velora_tui.ui.take_over import may_take_over
from velora_tui.view.cells import Cell, Span
from velora_tui.view.start_words import existing_words, proposed_number
from velora_tui.view.states import instance_state
from velora_tui.view.text import cut

_FORM_BYTES = 64 * 1024
_RECENT_DATASETS = 8
_ANY = ""
_TYPING_SECONDS = 0.25


class Form(BaseModel):
    """What the form was last filled in with."""

    dataset: str = ""
    task: str | None = None
    model: str | None = None
    run_number: int = 1
    wait: bool = False
    force: bool = False
    recent: tuple[str, ...] = ()


class Tick(Checkbox):
    """A checkbox that looks like one in every theme, on or off."""

    @property
    def _button(self) -> Content:
        return Content.assemble(("[✓]" if self.value else "[ ]", self.get_visual_style("toggle--button")))


async def load_form(path: Path) -> Form:
    """Return what is remembered, or an empty form."""
    try:
        data = await asyncio.to_thread(read_limited, path, _FORM_BYTES)
        return Form.model_validate_json(data)
    except (StoreError, ValidationError):
        return Form()


class StartScreen(Dialog[Run]):
    """Answers the run that was started."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("ctrl+s", "start", "Start", show=False, id="start.start", tooltip="Start the run"),
    ]

    def __init__(self, engine: EngineLike, datasets: Sequence[Path], form: Form, instances: Sequence[str]) -> None:
        keys = keys_line(("⏎ ^s", "start"), ("tab", "next field"), ("esc", "leave"))
        super().__init__(Span("Start a run", "strong"), keys)
        self._engine = engine
        self._form = form
        self._marked = tuple(instances)
        self._wanted = self._proposed = form.run_number
        known = [*form.recent, *(str(path) for path in datasets)]
        self._datasets = tuple(dict.fromkeys(known))
        self._tasks: tuple[Task, ...] = ()

    def compose_body(self) -> ComposeResult:
        """Yield the fields."""
        form, engine = self._form, self._engine
        yield from _field("dataset", Input(form.dataset or next(iter(self._datasets), ""), compact=True, id="dataset",
                                           placeholder="a dataset file: JSON or JSON Lines"))  # fmt: skip
        if len(self._datasets) > 1:
            yield from _field(
                "", _select("known", [(path, cut(path, 60)) for path in self._datasets], None, "known files")
            )
        yield from _field("task", _select("task", [], None, "choose a task"))
        models = [
            (name, (Span(engine.fleet.label(name), "model"), Span(f"  {name}", "dim"))) for name in engine.fleet.models
        ]
        proposed = form.model or engine.fleet.defaults.model or next(iter(engine.fleet.models), None)
        if models:
            yield from _field("model", _select("model", models, proposed, "choose a model"))
        else:
            yield from _field("model", Input(proposed or "", compact=True, id="model", placeholder="llm.name"))
        yield from _field("run number", Input(str(form.run_number), compact=True, id="number", type="integer"))
        first = next(iter(self._marked), _ANY)
        yield from _field("instance", _select("instance", self._instances(), first, may_be_blank=False))
        if len(self._marked) > 1:
            words = f"{len(self._marked)} are marked: one run goes to one instance"
            yield from _field("", Static(content(Span(words, "dim")), markup=False))
        yield from _field("", Tick(content("wait in the queue while it is busy"), form.wait, compact=True, id="wait"))
        yield from _field("", Tick(content("start although not ready"), form.force, compact=True, id="force"))
        yield Static("", id="start-problem", markup=False)

    def _instances(self) -> list[tuple[str, Cell]]:
        rows = self._engine.snapshot().instances
        states = [(row.instance.name, instance_state(row)) for row in rows]
        named: list[tuple[str, Cell]] = [
            (name, (Span(f"{name}  "), Span(f"{state.symbol} {state.word}", state.tone))) for name, state in states
        ]
        return [(_ANY, "any that is ready"), *named]

    def on_mount(self) -> None:
        """Read the proposed dataset."""
        self._read_dataset()
        self.query_one("#dataset").focus()

    def on_input_changed(self, event: Input.Changed) -> None:
        """Read the dataset, or take the run number, that is named now."""
        if event.input.id == "dataset":
            self._read_dataset()
        elif event.input.id == "number" and event.value != str(self._proposed):
            self._wanted = self._proposed = self._number()
        self._show_existing()

    def on_select_changed(self, event: Select.Changed) -> None:
        """Take over a known dataset; of a task and model propose a run that can be started."""
        if event.select.id in ("task", "model"):
            self._propose_number()
        self._show_existing()
        if event.select.id == "known" and isinstance(event.value, str):
            self.query_one("#dataset", Input).value = event.value

    def on_input_submitted(self) -> None:
        """Start."""
        self.action_start()

    def action_start(self) -> None:
        self.run_worker(self._start(), group="start", exclusive=True)

    def show_problem(self, problem: str, hint: str | None = None) -> None:
        """Say in one line what is wrong."""
        cell = (Span(problem, "bad"), Span(f" — {hint}" if hint else "", "dim"))
        self.query_one("#start-problem", Static).update(content(cell))

    def _show_existing(self) -> None:
        """Say what is there already of the task and model."""
        words = existing_words(self._existing(), self._number(), self._wanted)
        self.query_one("#start-problem", Static).update(content(Span(words, "look")))

    def _propose_number(self) -> None:
        self._proposed = proposed_number(self._existing(), self._wanted)
        if self._proposed != self._number():
            self.query_one("#number", Input).value = str(self._proposed)

    def _existing(self) -> list[Run]:
        """Return the runs of the task and model that are chosen."""
        chosen = (self._chosen("task"), self._chosen("model"))
        return [run for run in self._engine.snapshot().runs.values() if (run.task, run.model) == chosen]

    def _number(self) -> int:
        number = self._value("number")
        return int(number) if number.lstrip("-").isdigit() else 0

    # --- dataset

    def _read_dataset(self) -> None:
        self.run_worker(self._load_tasks(self._value("dataset")), group="dataset", exclusive=True)

    async def _load_tasks(self, name: str) -> None:
        await asyncio.sleep(_TYPING_SECONDS if self._tasks else 0)
        select: Select[str] = self.query_one("#task", Select)
        self._tasks = ()
        try:
            self._tasks = await asyncio.to_thread(_read, name) if name else ()
        except VeloraError as error:
            self.show_problem(str(error), error.hint)
        select.set_options([(content(_task_label(task)), task.instance_id) for task in self._tasks])
        ids = [task.instance_id for task in self._tasks]
        if name == self._form.dataset and len(ids) > 1:
            select.focus()  # the next run is of another task of the same file
        if self._form.task in ids:
            select.value = self._form.task or ids[0]
        elif len(ids) == 1:
            select.value = ids[0]

    # --- start

    async def _start(self) -> None:
        try:
            request = self._request()
            if not await may_take_over(self.app, self._engine.snapshot(), request.instance):
                return
            run = await self._engine.start(request)
            await asyncio.to_thread(write_json, self._engine.layout.form, self._remembered(request))
        except ValidationError as error:
            first = error.errors()[0]
            field = ".".join(str(part) for part in first["loc"])
            self.show_problem(f"{field.replace('_', ' ')}: {first['msg'].removeprefix('Value error, ')}")
        except VeloraError as error:
            self.show_problem(str(error), error.hint)
        else:
            self.dismiss(run)

    def _request(self) -> RunRequest:
        dataset = self._value("dataset")
        if not dataset:
            raise StoreError("no dataset named", hint="a JSON or JSON Lines file with the task")
        return RunRequest(
            dataset=str(Path(dataset).expanduser()),
            task=self._chosen("task"),
            model=self._chosen("model") or "",
            run_number=self._number(),
            instance=self._chosen("instance") or None,
            wait=self.query_one("#wait", Checkbox).value,
            force=self.query_one("#force", Checkbox).value,
        )

    def _remembered(self, request: RunRequest) -> dict[str, object]:
        recent = tuple(dict.fromkeys((request.dataset, *self._form.recent)))[:_RECENT_DATASETS]
        form = Form.model_validate({**request.model_dump(), "run_number": self._wanted, "recent": recent})
        return json.loads(form.model_dump_json())  # type: ignore[no-any-return]

    def _value(self, field: str) -> str:
        return self.query_one(f"#{field}", Input).value.strip()

    def _chosen(self, field: str) -> str | None:
        widget = self.query_one(f"#{field}")
        if isinstance(widget, Input):
            return widget.value.strip()
        value = widget.value if isinstance(widget, Select) else None
        return value if isinstance(value, str) else None


def _read(name: str) -> tuple[Task, ...]:
    return load_dataset(Path(name).expanduser())


def _field(label: str, widget: Input | Select[str] | Checkbox | Static) -> ComposeResult:
    with Horizontal(classes="field"):
        yield Static(label, classes="field-label", markup=False)
        yield widget


def _select(
    name: str, options: Sequence[tuple[str, Cell]], value: str | None, prompt: str = "", *, may_be_blank: bool = True
) -> Select[str]:
    known = [key for key, _ in options]
    return Select(
        [(content(label), key) for key, label in options],
        value=value if value in known else Select.NULL,
        prompt=prompt,
        allow_blank=may_be_blank,
        id=name,
        compact=True,
    )


def _task_label(task: Task) -> Cell:
    return Span(f"{task.instance_id}  "), Span(task.repo, "dim")
