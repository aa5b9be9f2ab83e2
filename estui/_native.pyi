# The compiled core, made from native/es_core.h; estui.core is its only user and types what it hands on.

from typing import Any

ffi: Any
lib: Any
