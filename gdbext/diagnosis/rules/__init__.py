"""The rules, each in a file of its own: ``ftNNN_name.py``."""
