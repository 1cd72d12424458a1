"""Many deaths instead of one: groups of reports, what those of a group agree on, what two reports
share.

Everything here works on reports (:class:`gdbext.model.Report`), never on a target.
"""
