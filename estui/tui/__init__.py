"""The screen. Nothing below imports it; it is loaded only by the command that opens it."""
