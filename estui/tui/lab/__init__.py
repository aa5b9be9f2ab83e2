"""The lab on the screen: what a plan would do, before it does it."""
