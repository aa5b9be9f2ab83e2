"""Speed and memory, as ratios: `python -m tests.bench`, or `make bench`. No test; pytest does not collect it."""
