"""As much DWARF as is needed."""
