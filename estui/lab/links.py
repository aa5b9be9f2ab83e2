"""Symbolic links and firmlinks of a Mac: the path by which events name a file."""

from __future__ import annotations

_LINKS = tuple(f"/{name}" for name in ("etc", "tmp", "var"))
_DATA = "/System/Volumes/Data"
_FIRMLINKS = (
    "/AppleInternal", "/Applications", "/Library", "/System/Library/Assets", "/System/Library/AssetsV2",
    "/System/Library/Caches", "/System/Library/CoreServices/CoreTypes.bundle/Contents/Library",
    "/System/Library/PreinstalledAssets", "/System/Library/PreinstalledAssetsV2", "/System/Library/Speech",
    "/Users", "/Volumes", "/cores", "/opt", "/private", "/usr/libexec/cups", "/usr/local", "/usr/share/snmp",
)  # fmt: skip
"""Directories of the data volume that have their place in the tree by a firmlink."""


def real_path(path: str) -> str | None:
    """The path as events carry it: symbolic links of the root resolved, firmlinks taken.

    None for the data volume itself, which has no other name.
    """
    for link in _LINKS:
        if path == link or path.startswith(link + "/"):
            return "/private" + path
    if path in {_DATA, _DATA + "/"}:
        return None
    rest = path.removeprefix(_DATA)
    if rest != path and any(rest == link or rest.startswith(link + "/") for link in _FIRMLINKS):
        return real_path(rest)
    return path
