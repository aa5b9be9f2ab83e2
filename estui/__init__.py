"""estui: a terminal explorer for macOS Endpoint Security events."""

__version__ = "0.1.0"
