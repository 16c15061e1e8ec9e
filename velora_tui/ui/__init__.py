"""The dashboard: Textual and nothing below it."""
