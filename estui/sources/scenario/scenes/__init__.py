"""The scenes: each a generator that makes its events in a Mac and yields the seconds until its next step."""
