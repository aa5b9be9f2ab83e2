"""One line of the stream as an Endpoint Security message: reading it, looking into it, decoding values."""

from __future__ import annotations

from estui.fields import TOKEN_WORDS
from estui.message.decoders import decode
from estui.message.reader import BadLine, event_of, int_column, loads, str_column
from estui.message.views import AuditToken, File, Message, Process

__all__ = [
    "TOKEN_WORDS",
    "AuditToken",
    "BadLine",
    "File",
    "Message",
    "Process",
    "decode",
    "event_of",
    "int_column",
    "loads",
    "str_column",
]
