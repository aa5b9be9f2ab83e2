"""The one list of what a person can do on the screen.

The bindings of the app and of every panel, the footer, the help overlay and the command palette are all made from
ACTIONS, so a key cannot do one thing and be described as another. `name` is Textual's action: method `action_<name>`
of the app (scope "app") or of the panel that the scope names.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from textual.binding import Binding, BindingType
from textual.keys import format_key

if TYPE_CHECKING:
    from collections.abc import Iterator

SCOPES = ("app", "events", "types", "mutes", "detail", "filters", "output", "lab")
"""Where an action can be called: everywhere, or only while that panel has the focus."""

PANEL_IDS = {scope: f"#{scope}" for scope in SCOPES[1:]}
"""The CSS id of the widget that carries out the actions of a scope."""


@dataclass(frozen=True, slots=True)
class Action:
    """One thing a person can do."""

    scope: str
    name: str
    """Textual's action string without a namespace, such as `follow` or `panel('events')`."""
    keys: str
    """Comma-separated key names as Textual spells them; empty for an action that only the palette has."""
    text: str
    """Two words at most, for the footer."""
    help: str
    """One line, for the help overlay and the palette."""
    group: str
    """The heading it stands under in the help overlay."""
    weight: int = 0
    """0 keeps it out of the footer; where the footer is too narrow, the lowest weights go first."""
    palette: bool = True
    priority: bool = False
    """It works even where a panel has another use for the key; not while something is typed."""

    @property
    def id(self) -> str:
        """The name a user's key map calls it by, such as `events.follow`."""
        return f"{self.scope}.{self.name.replace('(', '.').translate(_ID_DROP)}"

    @property
    def call(self) -> str:
        """The action string a binding or a menu runs."""
        return f"app.{self.name}" if self.scope == "app" else self.name


_ID_DROP = {ord(char): None for char in "')\" "}

# fmt: off
ACTIONS: tuple[Action, ...] = (
    # ---- everywhere: moving about
    Action("app", "panel('events')", "1", "Events", "Go to the event list", "Panels", priority=True),
    Action("app", "panel('types')", "2", "Types", "Go to the event types", "Panels", priority=True),
    Action("app", "panel('mutes')", "3", "Mutes", "Go to the mutes", "Panels", priority=True),
    Action("app", "panel('detail')", "4", "Detail", "Go to the detail of the event", "Panels", priority=True),
    Action("app", "panel('output')", "5", "Output", "Go to what the command printed", "Panels", priority=True),
    Action("app", "panel('lab')", "6", "lab", "Go to the lab: what a plan would do, before it does it", "Panels", 45,
           priority=True),
    Action("app", "panel('filters')", "v", "View filters", "Go to the list of view filters", "Panels"),
    Action("app", "next_panel(1)", "tab", "Next panel", "Go to the next panel", "Panels", palette=False),
    Action("app", "next_panel(-1)", "shift+tab", "Previous panel", "Go to the previous panel", "Panels", palette=False),
    Action("app", "maximize", "backslash", "Maximise", "Give the panel the whole screen, and back", "Panels"),
    # ---- everywhere: looking
    Action("app", "find", "slash", "find", "Find text in the events (n, N: next, previous)", "Looking", 90),
    Action("app", "find_next(1)", "n", "Next match", "Go to the next match", "Looking"),
    Action("app", "find_next(-1)", "N", "Previous match", "Go to the previous match", "Looking"),
    Action("app", "follow", "f", "follow", "Follow the newest event, or stop following", "Looking", 80),
    Action("app", "pause", "p", "pause", "Take no new events into the list; capturing goes on", "Looking", 75),
    Action("app", "hide_suppressed", "s", "hide dimmed", "Hide suppressed events, or show them dimmed", "Looking", 60),
    Action("app", "go_to_time", "t", "go to time", "Go to a time of day, or some seconds on or back", "Looking", 20),
    Action("app", "filters_off", "V", "Filters off/on", "All view filters off, and back on in their place", "Looking"),
    Action("app", "filters_clear", "", "Clear filters", "Remove all view filters", "Looking"),
    Action("app", "columns", "", "Columns", "Choose the columns of the event list and their order", "Looking"),
    # ---- everywhere: muting and the source
    Action("app", "mute", "m", "mute", "Mute what is selected, with a preview first", "Muting", 85),
    Action("app", "undo", "u", "undo", "Take back the last change of mutes or subscriptions", "Muting", 30),
    Action("app", "redo", "U,ctrl+r", "Redo", "Do it again", "Muting"),
    Action("app", "plan_load", "ctrl+o", "Open plan", "Load a mute plan from a file", "Muting"),
    Action("app", "plan_save", "ctrl+s", "Save plan", "Save the mute plan to a file", "Muting"),
    Action("app", "plan_export", "ctrl+e", "Export plan", "Write the plan as C, Swift, Rust, jq or for another tool",
           "Muting"),
    Action("app", "chart", "X", "chart", "ES's decision chart for the selected event: why it arrives, or does not",
           "Muting", 28),
    Action("app", "think", "", "Think of an event", "The decision chart for an event that is not there", "Muting"),
    Action("app", "presets", "P", "Presets", "Subscribe to a preset of event types", "Event types"),
    Action("app", "restart_source", "R", "Restart source", "Start the source again with the types subscribed now",
           "Source"),
    Action("app", "source('faster')", "greater_than_sign", "Faster", "Replay faster", "Source"),
    Action("app", "source('slower')", "less_than_sign", "Slower", "Replay slower", "Source"),
    Action("app", "source('step')", "full_stop", "Step", "Let one event of a held source through", "Source"),
    Action("app", "source('hold')", "H", "Hold source", "Hold the source itself, or let it run", "Source"),
    Action("app", "source('loop')", "", "Loop source", "Play the source again at its end, or do not", "Source"),
    Action("app", "record", "W", "record", "Record what is held and all that comes to a file; again: end it", "Files",
           35),
    Action("app", "write", "w", "write", "Write the raw lines of what is in view to a file", "Files", 40),
    # ---- everywhere: the application
    Action("app", "palette", "colon,ctrl+p", "command", "Run any command by its name", "Application", 50),
    Action("app", "help", "question_mark,f1", "help", "Show the keys that work here", "Application", 100),
    Action("app", "next_theme", "ctrl+t", "Next theme", "Change to the next theme", "Application"),
    Action("app", "quit", "q,ctrl+q", "quit", "Leave estui", "Application", 72),
    Action("app", "interrupt", "ctrl+c", "quit", "Leave estui, as q does", "Application", palette=False),
    # ---- the event list
    Action("events", "cursor(1)", "j,down", "Down", "One row down", "Moving", palette=False),
    Action("events", "cursor(-1)", "k,up", "Up", "One row up (following stops)", "Moving", palette=False),
    Action("events", "page(1)", "pagedown,ctrl+f,ctrl+d", "Page down", "One page down", "Moving", palette=False),
    Action("events", "page(-1)", "pageup,ctrl+b,ctrl+u", "Page up", "One page up", "Moving", palette=False),
    Action("events", "first", "g,home", "First row", "Go to the oldest row", "Moving"),
    Action("events", "last", "G,end", "Last row", "Go to the newest row; follow a running source", "Moving"),
    Action("events", "cell(-1)", "left,h", "Cell left", "The cell to the left", "Moving", palette=False),
    Action("events", "cell(1)", "right,l", "Cell right", "The cell to the right", "Moving", palette=False),
    Action("events", "back", "left_square_bracket", "Back", "Back to where I was", "Moving"),
    Action("events", "forward", "right_square_bracket", "Forward", "Forward again", "Moving"),
    Action("events", "open", "enter", "detail", "Look into the selected event", "Moving", 70),
    Action("events", "include", "plus,equals_sign", "only this", "Show only rows like the selected cell", "Filtering",
           65),
    Action("events", "exclude", "minus", "not this", "Show no rows like the selected cell", "Filtering", 64),
    Action("events", "stop", "escape", "Stop", "Stop a search or a write; take marks and advice away", "Looking"),
    Action("events", "mark", "space", "Mark", "Mark the row, or take the mark away", "Marks"),
    Action("events", "next_mark(1)", "apostrophe", "Next mark", "Go to the next mark", "Marks"),
    Action("events", "next_mark(-1)", "quotation_mark", "Previous mark", "Go to the previous mark", "Marks"),
    Action("events", "next_loss(1)", "e", "Next loss", "Go to the next lost or missing events", "Loss"),
    Action("events", "next_loss(-1)", "E", "Previous loss", "Go to the lost or missing events before", "Loss"),
    Action("events", "copy", "y", "Copy event", "Copy the raw line of the event", "Files"),
    # ---- the event types
    Action("types", "cursor(1)", "j,down", "Down", "One row down", "Moving", palette=False),
    Action("types", "cursor(-1)", "k,up", "Up", "One row up", "Moving", palette=False),
    Action("types", "page(1)", "pagedown,ctrl+f,ctrl+d", "Page down", "One page down", "Moving", palette=False),
    Action("types", "page(-1)", "pageup,ctrl+b,ctrl+u", "Page up", "One page up", "Moving", palette=False),
    Action("types", "first", "g,home", "First", "Go to the first row", "Moving", palette=False),
    Action("types", "last", "G,end", "Last", "Go to the last row", "Moving", palette=False),
    Action("types", "switch", "space", "subscribe", "Subscribe to the type or category, or unsubscribe", "Event types",
           95),
    Action("types", "solo", "o", "only this", "Subscribe to this type or category alone", "Event types", 66),
    Action("types", "all", "a", "all", "Subscribe to every type", "Event types", 65),
    Action("types", "none", "A", "none", "Unsubscribe from every type", "Event types", 63),
    Action("types", "fold", "enter", "fold", "Fold the category, or open it", "Event types", 40),
    Action("types", "close", "left,h", "Close category", "Fold this category", "Event types", palette=False),
    Action("types", "open", "right,l", "Open category", "Open the category", "Event types", palette=False),
    Action("types", "fold_all", "z", "Fold all", "Fold every category, or open them all", "Event types"),
    Action("types", "find_type", "slash", "find type", "Go to a type by its name", "Event types", 90),
    Action("types", "include", "plus,equals_sign", "Show only", "Show only rows of this type in the list", "Filtering"),
    Action("types", "exclude", "minus", "Show none", "Show no rows of this type in the list", "Filtering"),
    Action("types", "leave", "escape", "Events", "Back to the event list", "Panels", palette=False),
    # ---- the view filters
    Action("filters", "cursor(1)", "j,down", "Down", "One row down", "Moving", palette=False),
    Action("filters", "cursor(-1)", "k,up", "Up", "One row up", "Moving", palette=False),
    Action("filters", "switch", "space", "on/off", "Turn this view filter on or off", "Filtering", 95),
    Action("filters", "flip", "exclamation_mark", "only/not", "Turn \"only\" into \"not\", or back", "Filtering", 70),
    Action("filters", "remove", "x,delete,backspace", "remove", "Remove this view filter", "Filtering", 80),
    Action("filters", "leave", "escape,enter", "Events", "Back to the event list", "Panels", palette=False),
    # ---- what the command printed
    Action("output", "cursor(1)", "j,down", "Down", "One line down", "Moving", palette=False),
    Action("output", "cursor(-1)", "k,up", "Up", "One line up (following stops)", "Moving", palette=False),
    Action("output", "page(1)", "pagedown,space,ctrl+f,ctrl+d", "Page down", "One page down", "Moving", palette=False),
    Action("output", "page(-1)", "pageup,ctrl+b,ctrl+u", "Page up", "One page up", "Moving", palette=False),
    Action("output", "first", "g,home", "First", "Go to the first line that is kept", "Moving", palette=False),
    Action("output", "last", "G,end", "newest", "Go to the newest line, and follow", "Moving", 80, palette=False),
    Action("output", "leave", "escape", "Events", "Back to the event list", "Panels", palette=False),
    # ---- the mutes: rows of estui/tui/mutes.py
    Action("mutes", "cursor(1)", "j,down", "Down", "One row down", "Moving", palette=False),
    Action("mutes", "cursor(-1)", "k,up", "Up", "One row up", "Moving", palette=False),
    Action("mutes", "page(1)", "pagedown,ctrl+f,ctrl+d", "Page down", "One page down", "Moving", palette=False),
    Action("mutes", "page(-1)", "pageup,ctrl+b,ctrl+u", "Page up", "One page up", "Moving", palette=False),
    Action("mutes", "first", "g,home", "First", "Go to the first row", "Moving", palette=False),
    Action("mutes", "last", "G,end", "Last", "Go to the last row", "Moving", palette=False),
    Action("mutes", "switch", "space", "on/off", "Turn the entry, or the inversion, on or off", "Muting", 95),
    Action("mutes", "add", "a", "add", "Add an entry by hand", "Muting", 90),
    Action("mutes", "edit", "enter,e", "edit", "Edit the entry", "Muting", 70),
    Action("mutes", "remove", "x,delete,backspace", "remove", "Remove the entry", "Muting", 80),
    Action("mutes", "invert", "i", "invert", "Invert the muting of targets, executables or processes", "Muting", 85),
    Action("mutes", "invert_now('target_path')", "", "Invert targets", "es_invert_muting(TARGET_PATH)", "Muting"),
    Action("mutes", "invert_now('path')", "", "Invert executables", "es_invert_muting(PATH)", "Muting"),
    Action("mutes", "invert_now('process')", "", "Invert processes", "es_invert_muting(PROCESS)", "Muting"),
    Action("mutes", "clear", "", "Remove all mutes", "Remove every entry of the plan", "Muting"),
    Action("mutes", "last_hit", "o", "last hit", "Go to the last event the entry matches", "Moving", 40),
    Action("mutes", "load", "L", "Open plan", "Load a mute plan from a file", "Muting", 25, palette=False),
    Action("mutes", "save", "S", "Save plan", "Save the mute plan to a file", "Muting", 24, palette=False),
    Action("mutes", "leave", "escape", "Events", "Back to the event list", "Panels", palette=False),
    # ---- end of the mutes
    # ---- the detail: rows of estui/tui/detail.py
    Action("detail", "cursor(1)", "j,down", "Down", "One row down", "Moving", palette=False),
    Action("detail", "cursor(-1)", "k,up", "Up", "One row up", "Moving", palette=False),
    Action("detail", "page(1)", "pagedown,ctrl+f,ctrl+d", "Page down", "One page down", "Moving", palette=False),
    Action("detail", "page(-1)", "pageup,ctrl+b,ctrl+u", "Page up", "One page up", "Moving", palette=False),
    Action("detail", "first", "g,home", "First", "Go to the first row", "Moving", palette=False),
    Action("detail", "last", "G,end", "Last", "Go to the last row", "Moving", palette=False),
    Action("detail", "jump('process')", "P", "process", "Go to the process that acted", "Fields", 62),
    Action("detail", "jump('audit_token')", "A", "token", "Go to the audit token of the process", "Fields", 61),
    Action("detail", "jump('event')", "E", "event", "Go to the event's own fields", "Fields", 60),
    Action("detail", "sibling(1)", "J", "Next sibling", "The next field of the same object", "Fields", palette=False),
    Action("detail", "sibling(-1)", "K", "Previous sibling", "The previous field of the same object", "Fields",
           palette=False),
    Action("detail", "parent", "H", "Parent", "The object this field stands in", "Fields", palette=False),
    Action("detail", "fold_here", "space", "fold", "Fold or unfold; bring more of a long list", "Fields", 90),
    Action("detail", "open", "enter", "whole", "Fold or unfold; show a long value whole", "Fields", palette=False),
    Action("detail", "fold", "left,h", "Fold", "Fold, or go to the object above", "Fields", palette=False),
    Action("detail", "unfold", "right,l", "Unfold", "Unfold, or go to the first field inside", "Fields", palette=False),
    Action("detail", "unfold_all", "plus,equals_sign", "Unfold all", "Unfold everything", "Fields"),
    Action("detail", "fold_all", "minus", "Fold all", "Fold everything", "Fields"),
    Action("detail", "refold", "0", "First folding", "Fold as it was at first", "Fields"),
    *(Action("detail", f"level({depth})", str(depth), f"Level {depth}", f"Unfold down to level {depth}", "Fields",
             palette=False) for depth in range(1, 10)),
    Action("detail", "why", "x", "why", "Show the verdict stage by stage, or only its first line", "Muting", 80),
    Action("detail", "view", "r", "raw", "Show rows, the JSON indented, or the raw line", "Fields", 55),
    Action("detail", "copy_menu", "y", "copy", "Copy the value, its path, a jq filter or the whole event", "Files", 85),
    Action("detail", "copy('value')", "c", "Copy value", "Copy the value", "Files"),
    Action("detail", "copy('key')", "", "Copy key", "Copy the name of the field", "Files"),
    Action("detail", "copy('path')", "", "Copy path", "Copy where the field stands, as .a.b[0]", "Files"),
    Action("detail", "copy('jq')", "", "Copy jq filter", "Copy a jq filter for events with this value", "Files"),
    Action("detail", "copy('line')", "C", "Copy event", "Copy the whole event as its raw line", "Files"),
    Action("detail", "leave", "escape", "Events", "Back to the event list", "Panels", palette=False),
    # ---- end of the detail
    # ---- the lab: rows of estui/tui/lab/
    Action("lab", "cursor(1)", "j,down", "Down", "One item down", "Moving", palette=False),
    Action("lab", "cursor(-1)", "k,up", "Up", "One item up", "Moving", palette=False),
    Action("lab", "page(1)", "pagedown,ctrl+f,ctrl+d", "Page down", "One page down", "Moving", palette=False),
    Action("lab", "page(-1)", "pageup,ctrl+b,ctrl+u", "Page up", "One page up", "Moving", palette=False),
    Action("lab", "first", "g,home", "First", "Go to the first item", "Moving", palette=False),
    Action("lab", "last", "G,end", "Last", "Go to the last item", "Moving", palette=False),
    Action("lab", "section(1)", "right,l", "section", "The next section of the lab", "Panels", 92, palette=False),
    Action("lab", "section(-1)", "left,h", "Section before", "The section before", "Panels", palette=False),
    Action("lab", "accept", "enter", "take, go", "Put in force what is previewed; go to the event that changes", "Lab",
           95, palette=False),
    Action("lab", "other_list", "tab,shift+tab", "changes", "To the events that change, and back", "Lab", 90,
           palette=False),
    Action("lab", "kind", "t", "which", "All events that change, only newly hidden, only newly delivered", "Lab", 70,
           palette=False),
    Action("lab", "act('one')", "space", "this one", "Switch this rule; take this difference; mark this event", "Lab",
           88, palette=False),
    Action("lab", "act('add')", "a", "add", "Add an entry by hand", "Lab", 87, palette=False),
    Action("lab", "act('edit')", "e", "edit", "Edit the entry", "Lab", 86, palette=False),
    Action("lab", "act('remove')", "x,delete,backspace", "remove", "Remove the entry", "Lab", 84, palette=False),
    Action("lab", "act('open')", "o", "open", "Last hit; open a keep-list, places, another plan or expectations",
           "Lab", 80, palette=False),
    Action("lab", "act('all')", "A", "all", "Take all suggestions, or fix all lints", "Lab", 82, palette=False),
    Action("lab", "act('riskiest')", "L", "risk", "The most that suggestions may risk", "Lab", 78, palette=False),
    Action("lab", "act('save')", "S", "save", "Save the keep-list to a file", "Lab", 60, palette=False),
    Action("lab", "act('next_blind')", "b", "next blind", "Go to the next place that is not delivered", "Lab", 79,
           palette=False),
    Action("lab", "act('again')", "r", "again", "Work it out again", "Lab", 76, palette=False),
    Action("lab", "leave", "escape", "Events", "Back to the event list", "Panels", palette=False),
    # ---- end of the lab
)
# fmt: on


def bindings(scope: str) -> list[BindingType]:
    """The bindings of a scope, for a widget's BINDINGS."""
    return [
        Binding(
            action.keys,
            action.call,
            action.text,
            show=action.weight > 0,
            priority=action.priority,
            tooltip=action.help,
            id=action.id,
            group=Binding.Group(action.group),
        )
        for action in ACTIONS
        if action.scope == scope and action.keys
    ]


def by_id() -> dict[str, Action]:
    """Every action by its id."""
    return {action.id: action for action in ACTIONS}


def commands() -> Iterator[Action]:
    """The actions the command palette offers."""
    return (action for action in ACTIONS if action.palette)


def key_words(keys: str) -> str:
    """Keys as a person reads them: `n`, `ctrl+p`, `[`."""
    out: list[str] = []
    for key in keys.split(",") if keys else ():
        *modifiers, last = key.split("+")
        out.append("+".join([*modifiers, format_key(last)]))
    return " ".join(out)
