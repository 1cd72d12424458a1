"""What a thread's Python code calls, by the module or class that has it: ``pickle.dumps`` and
``json.dumps`` are two things.
"""

from __future__ import annotations

from collections.abc import Iterator

from gdbext.cpython.interpreter.calls import CALLS
from gdbext.cpython.interpreter.frames import Frame
from gdbext.cpython.interpreter.names import attribute, resolve
from gdbext.cpython.interpreter.operations import BytecodeOperation
from gdbext.cpython.objects.methods import builtin_name
from gdbext.cpython.objects.objects import Objects
from gdbext.cpython.objects.reader import FAULTS
from gdbext.diagnosis.facts.accesses import Proximity
from gdbext.diagnosis.observe.accesses_by_code import proximity
from gdbext.session import Session

MAX_FRAMES = 4


def callees(session: Session, lwp: int) -> Iterator[str]:
    """The functions and classes that the thread calls at its instruction, on its line or in its
    loop, as ``_pickle.dumps``.

    Methods of instances are left out: the instance's type says more.
    """
    for depth, frame in enumerate(session.python_stack(lwp).frames[:MAX_FRAMES]):
        facts = session.code_facts(frame.code)
        for operation in facts.operations if facts else ():
            near = (
                proximity(facts, frame, operation, depth == 0)
                if facts and operation.kind in CALLS
                else None
            )
            if (
                near is not None
                and near <= Proximity.LOOP
                and (name := _callee(session.objects, frame, operation))
            ):
                yield name


def _callee(objects: Objects, frame: Frame, operation: BytecodeOperation) -> str | None:
    owner = resolve(objects, frame, operation.receiver)
    if owner is None:
        return None
    if operation.kind == "call":
        return qualified_name(objects, owner)
    info = objects.type_of(owner)
    if info is None or operation.name is None:
        return None
    if info.name == "module":
        function = attribute(objects, owner, operation.name)
        return qualified_name(objects, function) if function else None
    described = objects.type_info(owner) if info.is_subclass("type") else None
    return f"{described.name}.{operation.name}" if described else None


def qualified_name(objects: Objects, address: int) -> str | None:
    """``module.name`` of a function, a built-in function or a class; None for anything else."""
    try:
        info = objects.type_of(address)
        if info is None:
            return None
        if objects.is_a(info, "function"):
            places = objects.fields("PyFunctionObject", address, "func_module", "func_name")
            module, name = (objects.text(place) if place else None for place in places)
        elif objects.is_a(info, "builtin_function_or_method"):
            place = objects.field("PyCFunctionObject", address, "m_module")
            module, name = objects.text(place) if place else None, builtin_name(objects, address)
        elif info.is_subclass("type") and (described := objects.type_info(address)):
            module, name = objects.names(described)
        else:
            return None
    except FAULTS:
        return None
    return f"{module}.{name}" if module and name else name
