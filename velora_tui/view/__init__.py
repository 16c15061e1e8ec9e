"""What is shown, as pure functions: text, rows, filters, sorting."""
