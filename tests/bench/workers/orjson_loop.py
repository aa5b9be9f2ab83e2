"""A peer: what it costs to read FILE and parse each line with orjson, and no more."""

from __future__ import annotations

import sys

import orjson

with open(sys.argv[1], "rb") as file:
    for line in file:
        orjson.loads(line)
