"""A plan as a filter for jq: of eslogger's lines it lets through those that the plan delivers.

The verdicts are those of `muting.MuteSet`, step by step. Prefixes may be compared as text, for the input is UTF-8 and
so is each rule. jq's own limits are told in the filter: it reads every byte that is not UTF-8 as U+FFFD, and
every number as a double.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence

from estui.events import INSTIGATOR_EVENTS, NOTIFY, PETITIONER_EVENTS
from estui.lab.export.notes import Exported, Notes, described, heading
from estui.muting import MutedPath
from estui.plan import Plan
from estui.record import UNKNOWN_BIT

_MOST_KEYS = 1000
"""Members of one object; the parser of jq 1.6 has no room for more than about 5,000."""

_DEFINITIONS = {
    "at": """\
def at($keys): reduce $keys[] as $key (.; if type == "object" then .[$key] else null end);""",
    "text": """\
def text: if type == "string" then . else null end;""",
    "covers": """\
def covers($event): .events == null or .events[$event];""",
    "muted": """\
def muted($rules; $event):
  . as $path
  | $path != null
    and any($rules[]; covers($event)
      and (.literals[$path] or any(.prefixes[]; . as $prefix | $path | startswith($prefix))));""",
    "joined": """\
def joined($parts):
  [$parts[] as $keys | at($keys)]
  | if all(.[]; type == "string") | not then empty
    elif length == 1 then .[0]
    else .[0] + (if .[0] | endswith("/") then "" else "/" end) + .[1]
    end;""",
    "targets": """\
def targets($all): [$all[] as $choices | first($choices[] as $parts | joined($parts))];""",
    "process": """\
def process:
  (if type == "object" then [.pid, .pidversion]
   elif type == "array" and length == 8 then [.[5], .[7]]
   else []
   end)
  | if length == 2 and all(.[]; type == "number" and . == floor) then . else null end;""",
    "muted_process": """\
def muted_process($rules; $event):
  . as $process
  | $process != null and any($rules[]; covers($event) and .process == $process);""",
}
"""What conditions are made of, each only with what stands before it; a program has those it uses."""


def export(plan: Plan) -> Exported:
    filter_ = Filter(plan)
    comment = [
        heading(plan),
        "Lets through what the plan delivers: jq -c -f THIS_FILE recording.jsonl",
        "jq reads each byte that is not UTF-8 as U+FFFD, and each number as a double.",
        *filter_.notes.lines(),
    ]
    return filter_.notes.exported("\n".join([*(f"# {line}" for line in comment), *filter_.code]) + "\n")


class Filter:
    """The program, and what it cannot express."""

    def __init__(self, plan: Plan) -> None:
        self.notes = Notes()
        self.notes.disabled(plan)
        self._plan = plan
        rows = list(self._rows())
        self._executables = [row for row in rows if not row.type.is_target]
        self._targets = [row for row in rows if row.type.is_target]
        self.code = tuple(self._code())
        """Lines without a comment among them, so they may also stand on one."""

    def _rows(self) -> Iterator[MutedPath]:
        for entry in self._plan.paths:
            if entry.enabled and not _is_utf8(entry.path):
                self.notes.gap(described(entry), "jq cannot tell bytes that are not UTF-8 apart")
            elif entry.enabled and "\ufffd" in entry.path:
                self.notes.remark(f"U+FFFD also stands for bytes that are not UTF-8: {described(entry)}")
        for row in self._plan.mute_set().muted_paths_events():
            if _is_utf8(row.path):
                yield row

    def _code(self) -> Iterator[str]:
        plan = self._plan
        conditions = []
        used = set()
        if plan.subscribe is not None:
            conditions.append(f"({_dumps(sorted(set(plan.subscribe)))} | any(.[]; . == $event))")
        if plan.invert_process or any(entry.enabled for entry in plan.processes):
            used |= {"at", "covers", "process", "muted_process"}
            conditions.append(self._process())
        if plan.invert_path or self._executables:
            used |= {"at", "text", "covers", "muted"}
            rules = _groups(self._executables)
            muted = f'at(["process", "executable", "path"]) | text | muted({rules}; $event)'
            conditions.append(f"({muted})" if plan.invert_path else f"({muted} | not)")
        if plan.invert_target_path or self._targets:
            used |= {"at", "covers", "muted", "joined", "targets"}
            conditions.append(self._target())
        for name, definition in _DEFINITIONS.items():
            if name in used:
                yield from definition.splitlines()
        if "process" in used and plan.instigator_votes:
            yield from _instigator().splitlines()
        yield "select("
        yield '  type == "object"'
        yield '  and (.event | type == "object" and length == 1 and all(.[]; type == "object"))'
        if conditions:
            yield "  and ("
            yield "    (.event | keys_unsorted[0]) as $event"
            yield f"    | {conditions[0]}"
            yield from (f"      and {condition}" for condition in conditions[1:])
            yield "  )"
        yield ")"

    def _process(self) -> str:
        rules = [
            {"process": [pid, pidversion], "events": _events(events)}
            for pid, pidversion, events in self._plan.mute_set().muted_processes_events()
        ]
        asked = '(at(["process", "audit_token"]) | process)'
        if self._plan.instigator_votes:
            asked += ", (.event[$event] | instigator($event))"
        every = "all" if self._plan.invert_process else "any"
        condition = f"[{asked}] | {every}(.[]; muted_process({_dumps(rules)}; $event))"
        return f"({condition})" if self._plan.invert_process else f"({condition} | not)"

    def _target(self) -> str:
        inverted = self._plan.invert_target_path
        muted = f"{'any' if inverted else 'all'}(.[]; muted({_groups(self._targets)}; $event))"
        return (
            f"(({_dumps(self._choices())}[$event] // []) as $all | .event[$event] | targets($all)"
            f" | length == 0 or ({muted}{'' if inverted else ' | not'}))"
        )

    def _choices(self) -> dict[str, list[list[list[list[str]]]]]:
        """Where each type that matters here has its target paths."""
        covered = 0
        for row in self._targets:
            covered |= sum(1 << number for number in row.events)
        return {
            event.name: _compiled(event.target_path_fields)
            for event in NOTIFY.values()
            if event.supports_targets
            and (self._plan.subscribe is None or event.name in self._plan.subscribe)
            and (self._plan.invert_target_path or covered >> event.number & 1)
        }


def _instigator() -> str:
    """A definition: the process an event names as its instigator, or nothing."""
    roles = {
        name: "petitioner" if name in PETITIONER_EVENTS else "instigator"
        for name in sorted(INSTIGATOR_EVENTS)
    }
    return f"""\
def instigator($event):
  . as $payload
  | ({_dumps(roles)}[$event] // empty) as $role
  | first(
      ((if $event == "authentication" then ["data", "od"], ["data", "touchid"], ["data", "token"] else empty end), [])
        as $holder
      | ([$role, "audit_token"], [$role + "_token"]) as $keys
      | $payload | at($holder + $keys) | process | values
    );"""


def _groups(rows: Sequence[MutedPath]) -> str:
    """Rules in groups of the same types, as a constant of the program."""
    by_events: dict[tuple[str, ...] | None, list[MutedPath]] = {}
    for row in rows:
        events = _events(row.events)
        if events is None or events:
            by_events.setdefault(None if events is None else tuple(events), []).append(row)
    groups = []
    for key, members in by_events.items():
        events = None if key is None else dict.fromkeys(key, True)
        literals = [row.path for row in members if not row.type.is_prefix]
        prefixes = [row.path for row in members if row.type.is_prefix]
        for start in range(0, max(len(literals), 1), _MOST_KEYS):
            chunk = dict.fromkeys(literals[start : start + _MOST_KEYS], True)
            groups.append({"events": events, "literals": chunk, "prefixes": [] if start else prefixes})
    return _dumps(groups)


def _events(numbers: Iterable[int]) -> dict[str, bool] | None:
    """eslogger's names of some types; None for all, those that nobody knows among them."""
    numbers = set(numbers)
    if UNKNOWN_BIT in numbers:
        return None
    return {event.name: True for event in NOTIFY.values() if event.number in numbers}


def _compiled(notation: str) -> list[list[list[list[str]]]]:
    """The catalogue's notation as targets, their choices, the parts of a path, the keys of a part."""
    return [
        [[part.split(".") for part in path.split("+/+")] for path in target.split("|")]
        for target in notation.split(";")
    ]


def _is_utf8(path: str) -> bool:
    return not any("\udc80" <= c <= "\udcff" for c in path)


def _dumps(value: object) -> str:
    """A constant: JSON in ASCII, in which nothing can be an interpolation, for each backslash is an escape's."""
    return json.dumps(value, separators=(",", ":"))
