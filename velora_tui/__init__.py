"""Velora: watch, mend and relaunch coding-agent runs across a fleet of machines."""

__version__ = "0.1.0"
