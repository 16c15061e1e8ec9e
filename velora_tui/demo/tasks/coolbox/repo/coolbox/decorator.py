"""Remembering what a function returned."""

import functools
import time

from coolbox.box import CoolBox

_MISSING = object()


def cooled(capacity=128, ttl_seconds=60.0, clock=time.monotonic):
    """Return a decorator that remembers results by their arguments."""

    def decorate(function):
        box = CoolBox(capacity, ttl_seconds, clock)

        @functools.wraps(function)
        def wrapper(*args, **kwargs):
            key = (args, tuple(sorted(kwargs.items())))
            value = box.get(key, _MISSING)
            if value is _MISSING:
                value = function(*args, **kwargs)
                box.set(key, value)
            return value

        wrapper.box = box
        return wrapper

    return decorate
