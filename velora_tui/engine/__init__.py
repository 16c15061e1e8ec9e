"""The fleet's engine: starts, follows, stops and remembers runs; knows no pixels."""
