from gdbext.library import DebuggerError as DebuggerError
from gdbext.library import Item as Item
from gdbext.library import Object as Object
from gdbext.library import Report as Report
from gdbext.library import Session as Session
from gdbext.library import Table as Table
from gdbext.library import attach as attach
from gdbext.library import open as open
from gdbext.library import text_of as text_of
from gdbext.library import triage as triage

LIBRARY: tuple[str, ...]
__version__: str
