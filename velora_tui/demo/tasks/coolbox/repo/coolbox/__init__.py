"""A bounded cache whose entries grow old."""

from coolbox.box import CoolBox
from coolbox.decorator import cooled

__all__ = ["CoolBox", "cooled"]
