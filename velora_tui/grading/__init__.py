"""Parse test logs, grade them against a task's lists, judge a run's quality. No I/O, nothing awaits."""
