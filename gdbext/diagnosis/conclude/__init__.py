"""What follows from the facts: pure functions from values to values."""
