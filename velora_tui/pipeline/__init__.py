"""One attempt: its phases, and the recipes that order them."""
