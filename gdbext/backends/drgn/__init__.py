"""drgn."""

import os

# drgn reads debug information with OpenMP, whose threads wait for each other by spinning unless
# told otherwise as they are loaded: where every CPU has work already, that doubles a triage's.
os.environ.setdefault("OMP_WAIT_POLICY", "passive")
