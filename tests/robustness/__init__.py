"""What triage makes of damaged targets: no exception, no hang, no flood."""
