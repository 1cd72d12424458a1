"""The only code that talks to a debugger, a folder each."""
