"""Finished runs that others made: what they are, what they showed, and our own verdict on them."""
