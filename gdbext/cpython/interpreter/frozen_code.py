"""Code objects and constants of the modules that every interpreter has loaded: importlib's, which
are frozen into the program.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cached_property

from gdbext.cpython.interpreter.code_check import CheckedCode, read_code
from gdbext.cpython.interpreter.opcode_choice import OpcodeEvidence
from gdbext.cpython.interpreter.runtime import Runtime
from gdbext.cpython.layout.layout import Layout
from gdbext.cpython.objects.decoded import Bytes
from gdbext.cpython.objects.objects import Objects
from gdbext.target.protocol import Memory

IMPORTLIB = ("_frozen_importlib", "_frozen_importlib_external")
OPCODES = "_opcode_metadata"
NUMBERS = ("opmap", "_specialized_opmap")
MAX_CODES = 64
MAX_CLASSES = 64


class FrozenCode:
    """What a process itself has to say of its instructions; every pointer is suspect, and what
    cannot be read is left out.
    """

    def __init__(self, memory: Memory, layout: Layout, objects: Objects, runtime: Runtime) -> None:
        self._memory = memory
        self._layout = layout
        self._objects = objects
        self._runtime = runtime

    def evidence(self, arrays: tuple[bytes, bytes] | None) -> OpcodeEvidence:
        """The magic number that importlib holds, and the module of opcodes where it is loaded."""
        magic = self._value(IMPORTLIB[1], "MAGIC_NUMBER")
        decoded = self._objects.decode(magic) if magic else None
        data = decoded.data if isinstance(decoded, Bytes) else b""
        return OpcodeEvidence(
            magic=int.from_bytes(data[:2], "little") if data[2:] == b"\r\n" else None,
            numbers=self._numbers(),
            arrays=arrays,
        )

    def codes(self) -> list[CheckedCode]:
        """Some code objects of importlib."""
        found: list[CheckedCode] = []
        for address in self._code_addresses():
            code = read_code(self._memory, self._layout, address)
            if code is not None:
                found.append(code)
            if len(found) == MAX_CODES:
                break
        return found

    def _numbers(self) -> dict[str, int] | None:
        numbers: dict[str, int] = {}
        for name in NUMBERS:
            table = self._value(OPCODES, name)
            for key, value in self._objects.dict_items(table) if table else ():
                text, number = self._objects.text(key), self._objects.int_value(value)
                if text is not None and number is not None:
                    numbers[text] = number
        return numbers or None

    def _code_addresses(self) -> Iterator[int]:
        seen: set[int] = set()
        for name in IMPORTLIB:
            classes = 0
            namespace = self._namespace(name)
            waiting = [v for _, v in self._objects.dict_items(namespace)] if namespace else []
            while waiting:
                value = waiting.pop(0)
                info = self._objects.type_of(value)
                if info is None or value in seen:
                    continue
                seen.add(value)
                if info.name == "function":
                    code = self._objects.pointer("PyFunctionObject", value, "func_code")
                    if code and code not in seen:
                        seen.add(code)
                        yield code
                elif info.is_subclass("type") and classes < MAX_CLASSES:
                    classes += 1
                    own = self._objects.pointer("PyTypeObject", value, "tp_dict")
                    waiting += [v for _, v in self._objects.dict_items(own)] if own else []

    def _value(self, module: str, name: str) -> int | None:
        """A global of a module; None where the module is not loaded, or has none of that name."""
        namespace = self._namespace(module)
        return self._objects.dict_get_str(namespace, name) if namespace else None

    def _namespace(self, module: str) -> int | None:
        """The dict of a module that the main interpreter has loaded."""
        if self._modules is None:
            return None
        address = self._objects.dict_get_str(self._modules, module)
        return self._objects.pointer("PyModuleObject", address, "md_dict") if address else None

    @cached_property
    def _modules(self) -> int | None:
        """``sys.modules`` of the main interpreter."""
        for interpreter in self._runtime.interpreters[:1]:
            return self._objects.pointer(
                "PyInterpreterState", interpreter.address, "imports.modules"
            )
        return None
