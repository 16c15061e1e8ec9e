"""Machines: how to reach them, run commands, move files, and keep jobs running there."""
