"""A store of crashes: every report of a program's life, by signature, in one SQLite file."""
