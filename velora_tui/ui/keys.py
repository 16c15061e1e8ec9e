"""The one table of actions: bindings, footer, help, palette and the README's table of keys all come from it.

An action `start` is carried out by the method `do_start` of the screen it is pressed on; `BaseScreen` has those that
mean the same everywhere. Only plain letters, F-keys and ctrl with a letter: other keys do not survive tmux.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from textual.binding import Binding

from velora_tui.domain.readiness import CheckStatus
from velora_tui.domain.run import Run
from velora_tui.domain.snapshot import InstanceSnapshot
from velora_tui.view.contact import key_trouble
from velora_tui.view.holders import hand_started
from velora_tui.view.remedies import remedies

Group = Literal["Runs", "Instances", "Look", "Table", "Log", "Velora"]
GROUPS: tuple[Group, ...] = ("Runs", "Instances", "Look", "Table", "Log", "Velora")

TABS: dict[str, str] = {
    "fleet": "Fleet",
    "readiness": "Readiness",
    "queue": "Queue",
    "results": "Results",
    "log": "Log",
}
"""The tabs by name, in the order of their numbers."""

PAGES: dict[str, str] = {
    "run": "Run",
    "foreign": "Somebody else's run",
    "files": "Critical files",
    "file_diff": "Critical file",
    "audit": "What Velora did",
    "causes": "Why runs failed",
    "compare": "Compare",
}
"""What opens over a tab."""

SCREENS: tuple[str, ...] = (*TABS, *PAGES)
FOOTER_LIMIT = 8
ONLY_IN_LOG = "only in a log: [ and ] lead to the Log tab"

KEY_NAMES = {
    "question_mark": "?",
    "slash": "/",
    "colon": ":",
    "left_square_bracket": "[",
    "right_square_bracket": "]",
    "left_curly_bracket": "{",
    "right_curly_bracket": "}",
    "asterisk": "*",
    "exclamation_mark": "!",
    "enter": "⏎",
    "escape": "esc",
    "pagedown": "PgDn",
    "pageup": "PgUp",
    "home": "Home",
    "end": "End",
    "up": "↑",
    "down": "↓",
    "left": "←",
    "right": "→",
    "space": "space",
}


@dataclass(frozen=True, slots=True)
class Targets:
    """What an action would apply to: the marked rows, else the one under the cursor.

    `results` are keys of finished runs, imported ones too; `side_by_side` is how many runs have a column each;
    `in_log` is whether the keys go to a log.
    """

    runs: tuple[Run, ...] = ()
    instances: tuple[InstanceSnapshot, ...] = ()
    results: tuple[str, ...] = ()
    side_by_side: int = 0
    in_log: bool = True
    marked: int = 0
    is_live: bool = True
    read_only: bool = False


Condition = Callable[[Targets], str | None]
"""Says why an action can't be done now, or None where it can."""


@dataclass(frozen=True, slots=True)
class Action:
    """Something one can do: `footer` is its rank there (0: not shown), `writes` what read-only forbids."""

    id: str
    keys: tuple[str, ...]
    label: str
    description: str
    group: Group
    screens: tuple[str, ...] = SCREENS
    footer: int = 0
    writes: bool = False
    destructive: bool = False
    condition: Condition | None = None

    @property
    def key_text(self) -> str:
        """The keys as people read them: "?, F1"."""
        return ", ".join(key_text(key) for key in self.keys)

    def reason_against(self, targets: Targets) -> str | None:
        """Return why it can't be done now, in words, or None."""
        if self.writes and targets.read_only:
            return "Velora was started with --readonly"
        if self.writes and not targets.is_live:
            return "the engine is still starting: what you see is the last known state"
        return self.condition(targets) if self.condition else None


def key_text(key: str) -> str:
    """Return a key as people read it: "^p", "F1", "?"."""
    if key in KEY_NAMES:
        return KEY_NAMES[key]
    if key.startswith("ctrl+"):
        return "^" + key.removeprefix("ctrl+")
    return key.upper() if len(key) > 1 and key[0] == "f" and key[1:].isdigit() else key


def _a_run(targets: Targets) -> str | None:
    if targets.runs or targets.results or any(row.foreign for row in targets.instances):
        return None
    if any(hand_started(row) for row in targets.instances):
        return "this run was started by hand: Velora has no log of it to follow"
    return "no run here yet: s starts one"


def _an_active_run(targets: Targets) -> str | None:
    if any(row.foreign and not row.is_busy for row in targets.instances) and not any(
        run.is_active for run in targets.runs
    ):
        return "somebody else's run: it can be followed here, and only they stop it"
    if not targets.runs:
        return "nothing runs here: this run is over" if targets.results else "nothing runs here"
    active = [run for run in targets.runs if run.is_active]
    if not active:
        return "nothing runs here: this run is over" if len(targets.runs) == 1 else "none of these runs is active"
    if all(run.attempt is not None and run.attempt.stopping for run in active):
        return "it is being stopped already"
    return None


def _an_ended_run(targets: Targets) -> str | None:
    if not targets.runs:
        imported = "an imported run: only Velora's own can be retried"
        return imported if targets.results else "no run to retry: s starts one"
    if all(run.is_active for run in targets.runs):
        return "it still runs: x stops it first"
    return None


def _an_instance(targets: Targets) -> str | None:
    return None if targets.instances else "no instance here"


def _a_host_key(targets: Targets) -> str | None:
    if any(key_trouble(row) is not None for row in targets.instances):
        return None
    return "no host key waits for an answer here"


def _a_repair(targets: Targets) -> str | None:
    if remedies(targets.instances, targets.runs):
        return None
    return "nothing is wrong here that Velora can mend"


def _files_to_compare(targets: Targets) -> str | None:
    wrong = any(
        check.id == "files" and check.status is not CheckStatus.OK
        for row in targets.instances
        for check in (row.readiness.checks if row.readiness else ())
    )
    return None if wrong else "the critical files here are those that are expected: F compares them all"


def _runs_side_by_side(targets: Targets) -> str | None:
    return None if targets.side_by_side else "only Tests shows runs side by side, where two of a task are compared"


def _a_log(targets: Targets) -> str | None:
    return None if targets.in_log else ONLY_IN_LOG


LISTS = ("fleet", "readiness", "queue", "results")
TABLES = (*LISTS, "files", "audit")
_WITH_RUNS = ("fleet", "queue", "results", "run", "log", "causes")
_LOGS = ("log", "run", "foreign")
_INSTANCES = ("fleet", "readiness")

ACTIONS: tuple[Action, ...] = (
    Action("start", ("s",), "start", "Start a run", "Runs", LISTS, footer=1, writes=True),
    Action("retry", ("r",), "retry", "Retry, from the failed phase or from the start", "Runs", _WITH_RUNS,
           footer=2, writes=True, condition=_an_ended_run),
    Action("stop", ("x",), "stop", "Stop what runs", "Runs", _WITH_RUNS,
           footer=3, writes=True, destructive=True, condition=_an_active_run),
    Action("check", ("c",), "check", "Check whether instances are ready", "Instances", _INSTANCES,
           footer=4, writes=True, condition=_an_instance),
    Action("check_all", ("C",), "check all", "Check all instances", "Instances", _INSTANCES, writes=True),
    Action("repair", ("R",), "repair", "Mend it: shows what will be done, and asks", "Instances",
           ("fleet", "readiness", "results", "run", "causes"),
           footer=3, writes=True, destructive=True, condition=_a_repair),
    Action("push", ("R",), "push", "Push the good copies: shows what will be done, and asks", "Instances",
           ("files", "file_diff"), footer=3, writes=True, destructive=True, condition=_an_instance),
    Action("files", ("F",), "files", "Compare the critical files of all instances", "Instances", _INSTANCES,
           footer=6),
    Action("diff", ("D",), "diff", "Compare an instance's file with the good copy", "Instances",
           ("readiness",), condition=_files_to_compare),
    Action("file_diff", ("D", "enter"), "diff", "Compare the instance's file with the good copy", "Instances",
           ("files",), footer=2),
    Action("compare_again", ("c",), "again", "Ask for the files' checksums again", "Instances",
           ("files", "file_diff"), footer=4),
    Action("audit", ("A",), "audit", "Show what Velora did there, with the exact commands", "Instances",
           _INSTANCES, condition=_an_instance),
    Action("audit_all", ("A",), "all", "Show what Velora did on all instances, or on those it was opened for",
           "Instances", ("audit",), footer=4),
    Action("host_key", ("K",), "host key", "Decide on a new host key; see what a changed one means", "Instances",
           _INSTANCES, writes=True, condition=_a_host_key),
    Action("open", ("enter",), "open", "Open the run, a failed one at its evidence; follow others'", "Look",
           ("fleet", "queue", "results", "compare"), footer=5, condition=_a_run),
    Action("compare", ("v",), "compare", "Compare the marked runs or groups; else the task's runs, and the models",
           "Look", ("results",), footer=2),
    Action("next_compared", ("right",), "next run", "To the next run's column", "Look", ("compare",), footer=2,
           condition=_runs_side_by_side),
    Action("previous_compared", ("left",), "run before", "To the column of the run before", "Look", ("compare",),
           condition=_runs_side_by_side),
    Action("differing", ("f",), "only differing", "Only the tests in which the runs differ, or all of them", "Look",
           ("compare",), footer=3, condition=_runs_side_by_side),
    Action("find", ("slash",), "find", "Find tests by name; among batches: FILTER vs FILTER", "Look", ("compare",),
           footer=7),
    Action("differ", ("exclamation_mark",), "differ", "Only runs that the harness judged otherwise, or all again",
           "Table", ("results",)),
    Action("group_by", ("B",), "group", "Group the rows by task, model, run number, outcome, quality or date", "Table",
           ("results",), footer=3),
    Action("fold_all", ("O",), "fold", "Unfold all groups, or fold them", "Table", ("results",)),
    Action("details", ("enter",), "details", "Go into what is shown in full below", "Look", ("readiness", "audit"),
           footer=5),
    Action("next_check", ("right",), "next check", "To the next check of the row", "Look", ("readiness",)),
    Action("previous_check", ("left",), "check before", "To the check before", "Look", ("readiness",)),
    Action("next_file", ("right",), "next file", "To the next file of the row", "Look", ("files",)),
    Action("previous_file", ("left",), "file before", "To the file before", "Look", ("files",)),
    Action("causes", ("W",), "why", "Why runs failed: by cause, across the fleet", "Look", ("fleet", "results")),
    Action("log", ("l",), "log", "Show the log", "Look", LISTS, footer=6, condition=_a_run),
    Action("filter", ("slash",), "filter", "Filter the rows", "Table", TABLES, footer=7),
    Action("search", ("slash",), "search", "Search the log", "Log", _LOGS, footer=5),
    Action("sort", ("S",), "sort", "Choose the order of the rows", "Table",
           ("fleet", "readiness", "results", "files", "audit")),
    Action("zoom", ("z",), "zoom", "Give the pane the whole screen, or take it back", "Look",
           ("fleet", "readiness", "results")),
    Action("previous_pane", ("left_square_bracket",), "pane before", "To the pane before", "Look",
           ("run", "results", "compare")),
    Action("next_pane", ("right_square_bracket",), "next pane", "To the next pane", "Look",
           ("run", "results", "compare"), footer=6),
    Action("next_run", ("L",), "next run", "To the next run, from wherever the keys go", "Look", ("results", "run")),
    Action("previous_run", ("H",), "run before", "To the run before", "Look", ("results", "run")),
    Action("previous_phase", ("left_curly_bracket",), "phase before", "To the log of the phase before", "Log", _LOGS,
           condition=_a_log),
    Action("next_phase", ("right_curly_bracket",), "next phase", "To the log of the next phase", "Log", _LOGS,
           condition=_a_log),
    Action("previous_attempt", ("p",), "attempt before", "To the attempt before, and round again", "Log",
           ("log", "run")),
    Action("edit", ("e",), "editor", "Open in $EDITOR or $PAGER, and come back", "Log", (*_LOGS, "results")),
    Action("copy", ("y",), "copy", "Copy what is under the cursor", "Look"),
    *(
        Action(f"tab_{name}", (str(number),), title, f"Show {title}", "Look")
        for number, (name, title) in enumerate(TABS.items(), start=1)
    ),
    Action("back", ("escape",), "back", "One level up; never quits", "Velora"),
    Action("help", ("question_mark", "f1"), "help", "Show what each key does here", "Velora", footer=9),
    Action("palette", ("ctrl+p", "colon"), "palette", "Find an action, instance, run or theme by name", "Velora"),
    Action("theme", (), "theme", "Choose the colours", "Velora"),
    Action("mouse", ("f2",), "mouse", "Give the mouse to the terminal, or take it back", "Velora"),
    Action("quit", ("q", "ctrl+q"), "quit", "Quit; what runs on the instances goes on", "Velora"),
)  # fmt: skip

BY_ID: dict[str, Action] = {action.id: action for action in ACTIONS}


def actions_of(screen: str) -> tuple[Action, ...]:
    """Return the actions of a screen in the table's order."""
    return tuple(action for action in ACTIONS if screen in action.screens)


def footer_of(screen: str) -> tuple[Action, ...]:
    """Return the most useful actions of a screen, at most eight, by rank; the last is always there."""
    ranked = sorted((action for action in actions_of(screen) if action.footer), key=lambda action: action.footer)
    return (*ranked[:-1][: FOOTER_LIMIT - 1], ranked[-1])


def bindings_of(screen: str) -> list[Binding]:
    """Return Textual's bindings for a screen; every key goes through `BaseScreen.action_act`."""
    return [
        Binding(",".join(action.keys), f"act('{action.id}')", action.label, show=False, id=action.id,
                tooltip=action.description)
        for action in actions_of(screen)
        if action.keys
    ]  # fmt: skip


def bindings_of_class(kind: type) -> list[Binding]:
    """Return the keys that help tells of a widget's class and of those it is made from, these first; each key once."""
    tables = [vars(base).get("BINDINGS", ()) for base in reversed(kind.__mro__)]
    told = [binding for table in tables for binding in table if isinstance(binding, Binding) and binding.tooltip]
    return list({binding.key: binding for binding in told}.values())
