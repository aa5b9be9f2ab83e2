"""The keep-list of the screen: every place of the coverage list, the marked events, and what a file names."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from estui.lab.keep import Keep, KeepError, Marked, load, save
from estui.record import KIND_EVENT
from estui.text import printable
from estui.tui.files import fault, readable, refusal
from estui.tui.lines import shown
from estui.tui.mute_entry import escape, unescape

if TYPE_CHECKING:
    from collections.abc import Iterator

    from estui.lab.places import Place
    from estui.session import Marks, Session

NAME = "estui-keep.toml"
"""Where it is saved, if nothing else is said."""
NO_MARKS = "no marked event (Space on an event marks it)"


class Keeping:
    """What must not be lost, as it stands now."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self.more: tuple[Place, ...] = ()
        """Places of the user's own, which must stay delivered too."""
        self.file: Path | None = None
        """The keep-list that was opened."""
        self.proposed = NAME
        """Where it would be saved, as one types it."""
        self._named = Keep()
        """What that file names."""
        self._seqs: tuple[int, ...] = ()
        self._marked: dict[int, Marked] = {}
        """By seq, what the marks keep; those of rows that were evicted stay."""

    @property
    def keep(self) -> Keep:
        """The whole list."""
        self._take_marks()
        named = self._named
        marked = tuple(dict.fromkeys((*named.marked, *self._marked.values())))
        return Keep(True, named.events, marked, named.name, self.more)

    def _take_marks(self) -> None:
        seqs = tuple(_seqs(self._session.marks))
        if seqs == self._seqs:
            return
        core = self._session.core
        tail = core.counters().tail
        marked = {seq: one for seq, one in self._marked.items() if seq < tail}
        for seq in seqs:
            row = None if seq in marked else core.row(seq)
            if row is not None and row.kind == KIND_EVENT:
                try:
                    marked[seq] = Marked.of(row)
                except KeepError:  # its type has a name that is no text, so nothing mutes it by that name
                    continue
        self._seqs, self._marked = seqs, marked

    def words(self) -> str:
        """What is in it, in a line. Printable."""
        keep = self.keep
        marked = counted(len(keep.marked), "marked event") if keep.marked else NO_MARKS
        parts = [counted(len(keep.places), "place"), marked]
        if keep.events:
            parts.append(counted(len(keep.events), "expression"))
        if self.file is not None:
            parts.append(shown(self.file.name, 100))
        return ", ".join(parts)

    def open(self, text: str) -> None:
        """Takes the file that was typed, or none where nothing was. Raises KeepError, or ValueError for the path."""
        if not text.strip():
            self.file, self._named = None, Keep()
            return
        path = readable(_path(text))
        self._named = load(path, self.more)
        self.file, self.proposed = path, escape(str(path))

    def save(self, text: str, asked: list[Path]) -> str | None:
        """Writes the list to the file that was typed. What is wrong, or None; a file in `asked` is replaced."""
        try:
            path = _path(text)
            if wrong := refusal(path, asked):
                return wrong
            save(self.keep, path)
        except KeepError as error:
            return printable(error.words)
        except (OSError, ValueError) as error:
            return fault(error)
        self.proposed = escape(str(path))
        return None


def _path(text: str) -> Path:
    """The path that was typed. Raises ValueError."""
    try:
        return Path(unescape(text.strip())).expanduser()
    except RuntimeError as error:  # no such user
        raise ValueError(str(error)) from None


def _seqs(marks: Marks) -> Iterator[int]:
    seq = marks.next(-1, 1)
    while seq is not None:
        yield seq
        seq = marks.next(seq, 1)


def counted(number: int, what: str) -> str:
    """So many of something."""
    return f"{number:,} {what}{'' if number == 1 else 's'}"
