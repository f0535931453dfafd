"""Serves the same functions with several hosts side by side and prints ratios; see ../README.md."""
