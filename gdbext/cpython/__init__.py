"""What is known of CPython, decoded from bytes."""
