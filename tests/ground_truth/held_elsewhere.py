"""A module whose global is set from outside."""
