"""One and the same test in gdb and in LLDB: a function run inside the debugger, or a conversation
at its prompt.

::

    from hosts.run import run_in_debugger
    from hosts.session import in_session

    told = run_in_debugger("lldb", "hosts.answers:everything", core=run.core,
    executable=run.executable) with in_session("gdb", run.executable, core=run.core) as session:
        assert "triage" in session.complete("ft ")

This package itself imports nothing: a debugger's own Python may lack what the tests outside use.
"""
