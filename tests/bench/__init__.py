"""Speed against other tools, as ratios within one run: `python -m tests.bench`."""
