"""Who a uid is: the names that events themselves told."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from estui.message import event_of, loads
from estui.record import Filter, ViewSpec
from estui.text import printable

if TYPE_CHECKING:
    from collections.abc import Mapping

    from estui.core import Core, CoreView

TELLING = ("openssh_login", "openssh_logout", "login_login", "login_logout", "su", "sudo")
"""The events that name the user beside the uid."""
LISTEN = 1000
"""Of such events the newest so many are read at once."""
_NAMED = (("uid", "username"), ("from_uid", "from_username"), ("to_uid", "to_username"))
_SHORT_NAME = 64


class Users:
    """Names of users by uid: root, and those that events told. Never those of the machine estui runs on."""

    def __init__(self) -> None:
        self._names: dict[int, str] = {0: "root"}

    def learn(self, payload: Mapping[str, Any]) -> None:
        """Take the names an event's payload tells beside its uids, unless it tells of something that failed."""
        if payload.get("success") is False:
            return
        for uid_key, name_key in _NAMED:
            uid, name = payload.get(uid_key), payload.get(name_key)
            if (
                isinstance(uid, int)
                and not isinstance(uid, bool)
                and uid != 0
                and isinstance(name, str)
                and name
            ):
                self._names[uid] = printable(name[:_SHORT_NAME])

    def learn_line(self, raw: bytes) -> None:
        """Take what a line tells, if it is one of an event that tells."""
        try:
            name, payload = event_of(loads(raw))
        except ValueError:
            return
        if name in TELLING:
            self.learn(payload)

    def name(self, uid: int) -> str | None:
        """The name of a user; None where no event told it."""
        return self._names.get(uid)


class Tellers:
    """The events of a ring that name users. Used from one thread."""

    def __init__(self, core: Core) -> None:
        self._core = core
        self._view: CoreView | None = None
        self._next = 0
        """Rows before this one were looked at."""

    def count(self) -> int:
        """How many there were; while this stands still, there is nothing new to read."""
        return sum(count.total for count in self._core.events() if count.event in TELLING)

    def lines(self) -> list[bytes]:
        """The lines of those that have come since the last call. Reads the whole ring the first time."""
        if self._view is None:
            self._view = self._core.view(ViewSpec(tuple(Filter("event", name, True) for name in TELLING)))
        view = self._view
        view.extend()
        first = max(view.index(self._next), len(view) - LISTEN)
        seqs = [view[place] for place in range(first, len(view))]
        if seqs:
            self._next = seqs[-1] + 1
        found = map(self._core.raw, seqs)
        return [raw for raw in found if raw is not None]
