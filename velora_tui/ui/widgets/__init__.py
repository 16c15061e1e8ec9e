"""Widgets that know how to show and nothing of runs."""
