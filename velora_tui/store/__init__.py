"""The operator's own disk: journal, logs, results, datasets."""
