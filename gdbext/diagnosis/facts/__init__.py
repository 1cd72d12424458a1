"""What was observed of a stopped target: frozen values, and nothing that reads memory."""
