"""The way from a core or a process to a report: what the command line and the library share."""
