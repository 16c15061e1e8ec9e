"""Whether an instance can take a run: checks, each declared in one place."""
