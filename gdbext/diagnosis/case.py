"""Everything that the rules look at, each part made once and on demand."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

from gdbext.binfmt.arguments import recovered
from gdbext.binfmt.eh_frame import FunctionTable
from gdbext.cpython.interpreter.frames import Frame, PythonStack
from gdbext.cpython.interpreter.names import resolve, subjects
from gdbext.diagnosis import suspects as suspects_
from gdbext.diagnosis.expectations import SlotIndex, SlotOwner
from gdbext.diagnosis.facts.accesses import Access
from gdbext.diagnosis.fault import Fault, frame_of_signal, goes_through, read_fault, reporter_module
from gdbext.diagnosis.frame_words import guess_self
from gdbext.diagnosis.holders import Held, find_holders
from gdbext.diagnosis.origin import Origin, find_origin
from gdbext.model import Confidence, Problems
from gdbext.session import Session
from gdbext.target.protocol import MemoryFault, NativeFrame, NativeThread, Variable

EVAL_LOOP = "_PyEval_EvalFrameDefault"
MAX_C_FRAMES = 48
THREADS_BEGIN_IN = "threading.py"
WORD = re.compile(r"\w+")


@dataclass(frozen=True)
class CFrame:
    """A native frame of the crashed thread with what is known of its variables and of the type whose slot it is."""

    frame: NativeFrame
    variables: tuple[Variable, ...]
    owner: SlotOwner | None

    @property
    def function(self) -> str:
        """The function's name; in a binary without symbols the slot that it is, else ``??``."""
        if self.frame.function is None and self.owner is not None:
            return f"{self.owner.type_name}.{self.owner.slot}"
        return self.frame.function or "??"

    def value(self, name: str) -> int | None:
        return next((v.value for v in self.variables if v.name == name), None)


class Case:
    """One crash, read from one session."""

    def __init__(self, session: Session) -> None:
        self.session = session
        self.problems = Problems()
        self.slots = SlotIndex(
            session.memory, session.layout, session.objects, session.debugger.regions
        )
        self.accesses: dict[int, Sequence[Access]] = {}
        """What each thread's Python code does to which objects, by LWP, as far as asked for."""

    @cached_property
    def native_threads(self) -> Sequence[NativeThread]:
        return self.session.debugger.threads()

    @cached_property
    def lwp(self) -> int | None:
        """The LWP that died."""
        signal = self.session.debugger.signal()
        return signal.lwp if signal else None

    @cached_property
    def native_frames(self) -> Sequence[NativeFrame]:
        return self.session.debugger.frames(self.lwp) if self.lwp is not None else []

    @cached_property
    def fault(self) -> Fault:
        return read_fault(self.session.debugger, self.session.memory, self.native_frames, self.lwp)

    @cached_property
    def c_frames(self) -> list[CFrame]:
        """The crashed thread's frames from the fault outwards, eval-loop frames left out.

        An eval loop's variables live in registers that change with each instruction; its Python frame says more.
        """
        if self.lwp is None:
            return []
        found: list[CFrame] = []
        start = frame_of_signal(self.native_frames)
        for frame in self.native_frames[start : start + MAX_C_FRAMES]:
            if frame.function and frame.function.startswith(EVAL_LOOP):
                continue
            found.append(
                CFrame(
                    frame,
                    tuple(self.session.debugger.variables(self.lwp, frame.level)),
                    self.owner(frame),
                )
            )
        return found

    @cached_property
    def eval_levels(self) -> list[int]:
        """The levels of all eval-loop frames, innermost first."""
        return [f.level for f in self.native_frames if (f.function or "").startswith(EVAL_LOOP)]

    def same_call(self, level: int, other: int) -> bool:
        """Whether two frames of C code serve the same Python operation: no eval loop lies between them."""
        low, high = sorted((level, other))
        return not any(low < e < high for e in self.eval_levels)

    @cached_property
    def eval_level(self) -> int | None:
        """The level of the innermost eval-loop frame: what lies within is C code called from the current Python line."""
        return next(
            (f.level for f in self.native_frames if (f.function or "").startswith(EVAL_LOOP)), None
        )

    def owner(self, frame: NativeFrame) -> SlotOwner | None:
        if frame.is_inlined or frame.module is None:
            return None
        # A caller's pc is where the call returns to: behind one that never returns another function may begin.
        is_exact = frame.level in (0, frame_of_signal(self.native_frames))
        pc = frame.pc if is_exact else frame.pc - 1
        symbol = self.session.debugger.symbol_at(pc) if frame.function else None
        if symbol is None:
            start = self._function_table(frame.module).start(pc)
            return self.slots.owner(start, frame.module) if start else None
        start = symbol.address
        if "." in symbol.name and (
            whole := self.session.debugger.symbol(symbol.name.split(".")[0])
        ):
            # foo.cold and foo.part.0 are pieces of foo; the tables name foo itself.
            start = whole.address
        return self.slots.owner(start, frame.module)

    def _function_table(self, module: str) -> FunctionTable:
        """Where the functions of a module without symbols start."""
        if module not in self._function_tables:
            base = next((m.base for m in self.session.modules if m.path == module), 0)
            self._function_tables[module] = FunctionTable(self.session.memory, base)
        return self._function_tables[module]

    @cached_property
    def _function_tables(self) -> dict[str, FunctionTable]:
        return {}

    def _guess_selves(self, found: dict[int, list[suspects_.Use]]) -> None:
        """Slot functions without debug information: their ``self`` from registers and stack."""
        stack_pointers = {f.level: f.sp for f in self.native_frames}
        for frame in self.c_frames:
            if (
                frame.owner is None
                or not frame.owner.first_is_self
                or frame.variables
                or self.lwp is None
            ):
                continue
            level = frame.frame.level
            registers = self.session.debugger.registers(self.lwp, level)
            guess = guess_self(
                self.session.memory,
                self.session.objects,
                frame.frame,
                frame.function,
                stack_pointers.get(level + 1),
                registers,
                frame.owner,
                self._given(frame.frame, registers, stack_pointers.get(level + 1)),
            )
            if guess is not None:
                found.setdefault(guess[0], []).append(guess[1])

    def _given(
        self, frame: NativeFrame, registers: Mapping[str, int], caller_sp: int | None
    ) -> int | None:
        """The first argument of a frame's function, as its instructions say."""
        is_caller = frame.level not in (0, frame_of_signal(self.native_frames))
        table = self._function_table(frame.module) if frame.module else None
        function = table.function(frame.pc - is_caller) if table else None
        if function is None:
            return None
        found = recovered(
            self.session.memory, function, frame.pc, registers, caller_sp, is_caller=is_caller
        )
        return found.get(0)

    @cached_property
    def suspects(self) -> list[suspects_.Suspect]:
        found = suspects_.collect(
            [c.frame for c in self.c_frames],
            [c.variables for c in self.c_frames],
            [c.owner for c in self.c_frames],
            self.session.layout,
            self.interpreter_module,
        )
        self._guess_selves(found)
        suspects_.complete_selves(found, self.c_frames, self.session.objects)
        self._forget_stack(found)
        self._add_operand(found)
        suspects_.forget_reassigned(found, self.session.objects)
        judged = suspects_.judge(found, self.session.objects, self.session.heap)
        for suspect in judged:
            self._doubt(suspect)
        return judged

    def _doubt(self, suspect: suspects_.Suspect) -> None:
        """Take from a dead pointer the uses that prove nothing.

        Whoever gives up a reference may see the object die: frames that deallocate it, and those that asked for that, count
        only if the fault came of it.  A function that faults on something else may have freed its argument itself, too; one of
        CPython's own only borrows its arguments, so there that is the unlikely case.
        """
        if not suspect.is_gone:
            return
        # CPython's functions need the objects that they are given; a deallocator calls them before it frees its object.
        modules = {f.level: f.module for f in self.native_frames}
        suspect.ended_again = any(
            modules.get(level) == self.interpreter_module for level in suspect.given_while_ending()
        )
        ending = (
            None
            if suspect.ended_again
            else min((u.level for u in suspect.uses if u.is_ending), default=None)
        )
        is_at_fault = self.died_of(suspect)
        if self.fault.is_fault and not suspect.ended_again and not self._is_accessed(suspect):
            # A pointer that stands in a freed object may have been read before the end, by whoever had the right to end it:
            # a deallocator, or an extension's function that owned its argument.
            is_extensions = modules.get(suspect.innermost.level) != self.interpreter_module
            may_own = is_extensions and not any(u.is_self for u in suspect.uses)
            is_at_fault = is_at_fault and not may_own and not any(u.is_ending for u in suspect.uses)
        if ending is not None and not (is_at_fault and self.same_call(0, ending)):
            suspect.uses = [replace(u, is_doubtful=True) for u in suspect.uses]
        elif not is_at_fault and not any(u.is_self for u in suspect.uses):
            borrowed = (
                any(u.is_argument and u.is_innermost for u in suspect.uses)
                and self._is_in_interpreter
            )
            confidence = Confidence.LIKELY if borrowed else Confidence.POSSIBLE
            suspect.liveness = replace(
                suspect.liveness,
                confidence=max(confidence, suspect.liveness.confidence, key=lambda c: c.rank),
            )

    def _is_accessed(self, suspect: suspects_.Suspect) -> bool:
        """Whether the faulting access is to the object's own memory."""
        operand, block = self.fault.operand, suspect.liveness.block
        end = (
            block.start + block.size
            if block
            else suspect.address + self.session.layout.size("PyObject")
        )
        return operand is not None and suspect.address <= operand.address < end

    def died_of(self, suspect: suspects_.Suspect) -> bool:
        """Whether the object may be what the process died of.

        A fault may go through it; a failed assertion names it; a fatal error is about it, or the interpreter itself found one
        without saying about what.  A plain abort, or a signal from outside, came of no object.
        """
        fault = self.fault
        if not fault.is_crash:
            return False
        if fault.is_fault:
            return goes_through(self.session.memory, self.session.layout, fault, suspect.address)
        if fault.fatal_object:
            return fault.fatal_object == suspect.address
        if fault.assertion:
            return not {u.name for u in suspect.uses if self.same_call(0, u.level)}.isdisjoint(
                WORD.findall(fault.assertion)
            )
        return (
            fault.fatal_error is not None
            and reporter_module(self.native_frames) == self.interpreter_module
        )

    @cached_property
    def _is_in_interpreter(self) -> bool:
        """Whether the function at fault is CPython's own."""
        frames = self.native_frames[frame_of_signal(self.native_frames) :]
        return (
            bool(frames)
            and frames[0].module is not None
            and frames[0].module == self.interpreter_module
        )

    def _forget_stack(self, found: dict[int, list[suspects_.Use]]) -> None:
        """No object lies on a C stack: there the debug information names a register that has been put to other use since."""
        stack_pointer = self.native_frames[0].sp if self.native_frames else 0
        stack = next(
            (r for r in self.session.debugger.regions() if r.start <= stack_pointer < r.end), None
        )
        for address in [a for a in found if stack is not None and stack.start <= a < stack.end]:
            del found[address]

    def _add_operand(self, found: dict[int, list[suspects_.Use]]) -> None:
        """The faulting instruction's base register counts as a pointer in use, where it points into the heap.

        It is all there is in functions without DWARF, and where the compiler left no location for a variable.
        """
        operand = self.fault.operand
        if (
            operand is None
            or not operand.base_value
            or operand.base_value in found
            or operand.base in ("rsp", "rbp", "rip")
        ):
            return
        block = self.session.heap.judge(operand.base_value).block
        if block is not None and block.domain != "mem":
            frame = self.native_frames[frame_of_signal(self.native_frames)]
            because = "the faulting access goes through it"
            found[operand.base_value] = [
                suspects_.Use(
                    frame.level,
                    frame.function,
                    f"%{operand.base}",
                    None,
                    because,
                    True,
                    False,
                    True,
                )
            ]

    @cached_property
    def root(self) -> suspects_.Suspect | None:
        """The bad pointer that everything else follows from."""
        # What the current Python operation works on comes first; further out are operations that go on when it is done.
        inner = [s for s in self.suspects if any(self.same_call(0, u.level) for u in s.uses)]
        found = suspects_.root(inner) or suspects_.root(self.suspects)
        return self._read_from(found) or found

    def _read_from(self, found: suspects_.Suspect | None) -> suspects_.Suspect | None:
        """The object whose type the bad pointer is taken for: it was read from there just now."""
        for suspect in self.suspects:
            if found is None or suspect is found or not suspect.is_bad:
                continue
            near = any(
                self.same_call(found.innermost.level, u.level) and u.level >= found.innermost.level
                for u in suspect.uses
            )
            try:
                kind = self.session.objects.header(suspect.address).ob_type if near else None
            except MemoryFault:
                continue
            if kind == found.address:
                return suspect
        return None

    @cached_property
    def origin(self) -> Origin | None:
        """Where the root's pointer was taken from, as frames show it; else a container that still has it."""
        found = find_origin(self, self.root) if self.root else None
        if found is None or not (found.current or found.function):
            return self.held.container or found
        return found

    @cached_property
    def held(self) -> Held:
        """Who still has the root's pointer, as a search of the heap finds; nobody where the root is not gone."""
        return find_holders(self, self.root) if self.root else Held()

    @cached_property
    def interpreter_module(self) -> str | None:
        """The file that has the eval loop: the executable, or libpython."""
        symbol = self.session.debugger.symbol(EVAL_LOOP)
        if symbol is None:
            return next(
                (f.module for f in self.native_frames if (f.function or "").startswith(EVAL_LOOP)),
                None,
            )
        return next(
            (r.path for r in self.session.debugger.regions() if r.start <= symbol.address < r.end),
            None,
        )

    def operation_at(self, level: int) -> str:
        """What the code at a frame is there for: the operation of the slot that it, or what it was inlined into, is.

        An eval loop is there for its Python line.
        """
        if level in self.eval_levels:
            return "the current Python line"
        around = [c for c in self.c_frames if c.frame.level >= level]
        for frame in around:
            if frame.owner is not None:
                # What types without anything in common share is no operation of any of them.
                return frame.function if frame.owner.is_shared else frame.owner.operation
            # An inlined helper belongs to the next real function; a static helper to the slot that called it.
            if not frame.frame.is_inlined and frame.frame.level > level + 1:
                break
        return around[0].function if around else "C code"

    def operation_name(self, frame: NativeFrame, kind: str) -> str:
        """What a C function of any thread does, by the slot that it is; else its own name."""
        owner = self.owner(frame)
        return owner.operation if owner and owner.type_name == kind else frame.function or "??"

    def python_stack(self, lwp: int) -> PythonStack:
        return self.session.python_stack(lwp)

    def current_frame(self, lwp: int) -> Frame | None:
        """The innermost Python frame of a thread."""
        frames = self.python_stack(lwp).frames
        return frames[0] if frames else None

    @cached_property
    def library(self) -> str | None:
        """The folder of the standard library's Python files: the one that has what every thread begins in."""
        for thread in self.native_threads:
            frames = self.python_stack(thread.lwp).frames
            if frames and os.path.basename(frames[-1].file) == THREADS_BEGIN_IN:
                return os.path.dirname(frames[-1].file)
        return None

    def own_frame(self, lwp: int, within: Frame) -> Frame | None:
        """The program's own frame that a frame works for: itself, or the nearest caller that is not the library's; else None."""
        frames = self.python_stack(lwp).frames
        start = next(
            (i for i, frame in enumerate(frames) if frame.address == within.address), len(frames)
        )
        return next((frame for frame in frames[start:] if not self.is_library(frame.file)), None)

    def is_library(self, file: str) -> bool:
        """Whether a Python file is the standard library's, or one installed there."""
        return file.startswith("<frozen ") or (
            self.library is not None and file.startswith(self.library + os.sep)
        )

    def named_objects(self) -> list[int]:
        """The objects that the crashed thread's current Python operation names."""
        frame = self.current_frame(self.lwp) if self.lwp is not None else None
        facts = self.session.code_facts(frame.code) if frame else None
        if frame is None or facts is None:
            return []
        objects = self.session.objects
        names = [
            n
            for o in facts.operations
            if o.index == frame.lasti
            for n in subjects(objects, frame, o)
        ]
        return [address for name in names if (address := resolve(objects, frame, name))]

    def thread_name(self, lwp: int) -> str | None:
        return self.session.thread_name(lwp)
