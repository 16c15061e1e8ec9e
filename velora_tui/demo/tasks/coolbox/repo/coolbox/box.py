"""The box."""

import time
from collections import OrderedDict

_MISSING = object()


class CoolBox:
    """A mapping of at most `capacity` entries, each living `ttl_seconds` from the time it was set."""

    def __init__(self, capacity, ttl_seconds, clock=time.monotonic):
        if capacity < 1:
            raise ValueError("capacity must be at least 1")
        if ttl_seconds <= 0:
            raise ValueError("ttl_seconds must be positive")
        self.capacity = capacity
        self.ttl_seconds = ttl_seconds
        self.hits = 0
        self.misses = 0
        self._clock = clock
        self._entries = OrderedDict()

    def __len__(self):
        return len(self._entries)

    def __contains__(self, key):
        return key in self._entries

    def get(self, key, default=None):
        """Return the value of `key`, or `default` if it is not there or too old."""
        value, expires = self._entries.get(key, (_MISSING, 0))
        if value is _MISSING or self._clock() >= expires:
            self.misses += 1
            return default
        self.hits += 1
        self._entries.move_to_end(key)
        return value

    def set(self, key, value):
        """Store `value`; the least recently used entry makes room."""
        self._entries[key] = (value, self._clock() + self.ttl_seconds)
        while len(self._entries) > self.capacity:
            self._entries.popitem(last=False)

    def discard(self, key):
        """Forget `key`; say whether it was there."""
        return self._entries.pop(key, _MISSING) is not _MISSING

    def keys(self):
        """Return the keys, the least recently used first."""
        return list(self._entries)

    def clear(self):
        """Forget everything, and the counts."""
        self._entries.clear()
        self.hits = self.misses = 0
