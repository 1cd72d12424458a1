"""``python -m gdbext``"""

import sys

from gdbext.cli.main import main

sys.exit(main())
