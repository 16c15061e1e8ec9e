"""Exact money."""

from pennywise.money import Money
from pennywise.parsing import parse

__all__ = ["Money", "parse"]
