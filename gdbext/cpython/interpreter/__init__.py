"""``_PyRuntime``, interpreters, thread states and Python frames."""
