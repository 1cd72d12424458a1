"""Known issues: the catalogue (``catalogue.json``), and which of its entries a crash is.

Pure functions over frozen values: :class:`features.CrashFeatures` in, :class:`identify.Identified`
out. ``scripts/check_known_issues.py`` checks the catalogue's form.
"""
