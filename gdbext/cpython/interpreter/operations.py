"""What a piece of bytecode does to which objects: a walk over its instructions with a stack of
names in place of values.

A crash shows where each thread is *now*.  The operation that did the damage may be a line that a
thread has left long since; it still stands in the thread's code.  ``operations`` finds it, and says
by what name the object was reached, so that the name can be looked up again in the frame or in its
globals.

A **name** is a nested tuple, or None where the walk cannot know:

    ("fast", slot)            a local variable, by its index in co_localsplusnames
    ("deref", slot)           what a cell or free variable holds
    ("global", "lst")         a global or builtin
    ("name", "x")             a name of a class body or of module level: local, global or builtin
    ("const", 3)              co_consts[3]
    ("int", 5)                a small integer that the instruction holds itself
    ("attr", name, "queue")   name.queue
    ("item", name, key)       name[key]
    ("super", name)           super() of the object
    ("entered", name)         the object of a ``with`` that the code has no other name for, by the
                              variable after ``as``
    ("iter", name)            iter(name)
    ("next", name)            what a loop got from name
    ("build", "list", (…))    a new list, tuple, set, dict, slice or string of these
    ("star", name)            in a call's arguments, or in a new thing: *name or **name
    ("result", index)         what the instruction at that index gave: a new value
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import field, replace
from typing import Any, NamedTuple

from gdbext.cpython.interpreter.bytecode import BytecodeInstruction
from gdbext.cpython.interpreter.jumps import ENDS, FORWARD
from gdbext.cpython.interpreter.opcodes import Opcodes
from gdbext.frozen import dataclass

Name = tuple[Any, ...]

MAX_PARTS = 64
MAX_STACK = 1024
MAX_OPERANDS = 16
NULL: Name = ("null",)
SELF: Name = ("self",)
"""What stands below a method's arguments: the object itself, which the callee's name
has already.
"""

COMPARISONS = ("<", "<=", "==", "!=", ">", ">=")
CONVERSIONS = {1: "str", 2: "repr", 3: "ascii"}
SPECIAL_METHODS = ("__enter__", "__exit__", "__aenter__", "__aexit__")
ENTER, EXIT = SPECIAL_METHODS[:2]
SYMBOLS = {
    "ADD": "+",
    "AND": "&",
    "FLOOR_DIVIDE": "//",
    "LSHIFT": "<<",
    "MATRIX_MULTIPLY": "@",
    "MULTIPLY": "*",
    "REMAINDER": "%",
    "OR": "|",
    "POWER": "**",
    "RSHIFT": ">>",
    "SUBTRACT": "-",
    "TRUE_DIVIDE": "/",
    "XOR": "^",
}


@dataclass(slots=True)
class BytecodeOperation:
    """One thing that the code does.

    ``index`` is the instruction's, in code units.  ``receiver`` is the object that it is done to:

    =================  ============================  ==========================
    kind               name                          arguments
    =================  ============================  ==========================
    call-method        the method's                  the call's
    call               the callee's last part; its   the call's
                       whole name is the receiver
    load-attr          the attribute's
    store-attr         the attribute's               (value,)
    delete-attr        the attribute's
    load-subscr                                      (key,)
    store-subscr                                     (key, value)
    delete-subscr                                    (key,)
    binary-op          ``+``, or ``+=`` in place     (the right-hand side,)
    compare            ``<``                         (the right-hand side,)
    contains                                         (the item,)
    iter, next, send
    aiter, anext       the same of ``async for``
    unpack
    extend             list, set, dict: the new      (what is added to,)
                       thing that takes all of the
                       receiver
    format             repr, str, ascii or None
    raise                                            (the cause,) if one is given
    truth, await
    match              (``case Class(name=…)``)      (the class, the attributes' names)
    load-deref         (the receiver is the cell's
    store-deref        or variable's own name)       (value,)
    delete-deref
    store-global       the variable's                (value,)
    delete-global      the variable's
    import             the module's
    =================  ============================  ==========================
    """

    index: int
    kind: str
    receiver: Name | None = None
    name: str | None = None
    arguments: tuple[Name | None, ...] = ()
    places: Mapping[Name, int] = field(default_factory=dict, compare=False)
    """Where on the value stack the named objects lie while the instruction runs, 0 being the
    deepest; of an iteration the iterator itself, by the name of what it walks.
    """
    keywords: Name | None = None
    """Of a call: the tuple of the names that its last arguments have, those of ``**name`` not
    counted.
    """
    binds: Mapping[int, int | None] = field(default_factory=dict, compare=False)
    """The local variables, by index in co_localsplusnames, that take what a call or a loop's step
    gave: all of it (None), or its item at that index.
    """


@dataclass(frozen=True)
class Walked:
    """What a piece of bytecode does, and with which variables."""

    operations: Sequence[BytecodeOperation]
    loads: Mapping[Name, Sequence[int]]
    """Where each variable is read."""
    bindings: Mapping[Name, Mapping[int, Name | None]]
    """Where each variable takes which value."""


def operations(
    instructions: Sequence[BytecodeInstruction], names: Sequence[str], table: Opcodes
) -> list[BytecodeOperation]:
    """Everything that the instructions do, in their order (:func:`walked`)."""
    return list(walked(instructions, names, table).operations)


def walked(
    instructions: Sequence[BytecodeInstruction], names: Sequence[str], table: Opcodes
) -> Walked:
    """Everything that the instructions do, in their order.

    ``names`` is ``co_names``; a damaged index has no name.

    Code behind a branch counts like any other: it may have run.  An exception handler starts with
    an unknown stack.

    Example: of ``lst.clear()`` where ``lst`` is a global:
        [BytecodeOperation(0, "load-attr", ("global", "lst"), "clear"), BytecodeOperation(…,
        "call-method", ("global", "lst"), "clear")]
    """
    walk = _Walk(table, names)
    reachable = True
    for instruction in instructions:
        waiting = walk.states.pop(instruction.index, None)
        if waiting is not None:
            walk.stack = (
                _merged(walk.stack, waiting.stack, walk.knows_depth, waiting.knows_depth)
                if reachable
                else waiting.stack
            )
            walk.knows_depth = waiting.knows_depth or (reachable and walk.knows_depth)
        elif not reachable:
            # An exception handler: how deep the stack is there, the exception table alone knows.
            walk.stack, walk.knows_depth = [], False
        walk.before = walk.stack[-MAX_OPERANDS:], max(len(walk.stack) - MAX_OPERANDS, 0)
        handler = HANDLERS.get(instruction.name, _Walk.other)
        handler(walk, instruction)
        if instruction.name in FORWARD:
            # A jump back brings nothing that is not known there already.
            target = instruction.end + instruction.oparg
            stack, knows_depth = list(walk.stack), walk.knows_depth
            if earlier := walk.states.get(target):
                stack = _merged(stack, earlier.stack, knows_depth, earlier.knows_depth)
                knows_depth |= earlier.knows_depth
            walk.states[target] = _State(stack, knows_depth)
        reachable = instruction.name not in ENDS
    return Walked(walk.found, walk.loads, walk.bindings)


def operation_at(found: Sequence[BytecodeOperation], index: int) -> BytecodeOperation | None:
    """What the instruction at ``index`` (a frame's lasti) does; its last operation where it does
    several.
    """
    return next((operation for operation in reversed(found) if operation.index == index), None)


class _State(NamedTuple):
    """The stack as a jump leaves it to its target."""

    stack: list[Name | None]
    knows_depth: bool


def _merged(
    one: list[Name | None], other: list[Name | None], knows_one: bool, knows_other: bool
) -> list[Name | None]:
    """What is known on both ways to a place, compared from the stack's top; as deep as the way
    whose depth is known.
    """
    size = min(len(one), len(other))
    depth = len(one) if knows_one else len(other) if knows_other else size
    common = [
        a if a == b else None for a, b in zip(one[len(one) - size :], other[len(other) - size :])
    ]
    return [None] * (depth - size) + common


def _bounded(name: Name) -> Name | None:
    """A name, unless it has more parts than anybody could want to say."""
    parts: list[Any] = [name]
    seen = 0
    while parts:
        part = parts.pop()
        if isinstance(part, tuple):
            seen += len(part)
            if seen > MAX_PARTS:
                return None
            parts += part
    return name


def _parts_of_dict(
    parts: Sequence[Name | None],
) -> tuple[list[tuple[Name | None, Name | None]], list[Name | None]]:
    """The (key, value) pairs of a new dict, and the mappings that it takes in."""
    mappings: list[Name | None] = [part for part in parts if part and part[0] == "star"]
    flat = [part for part in parts if not (part and part[0] == "star")]
    return list(zip(flat[::2], flat[1::2])), mappings


class _Walk:
    """The stack of names while one instruction after the other is looked at."""

    def __init__(self, table: Opcodes, names: Sequence[str]) -> None:
        self.table = table
        self.names = names
        self.stack: list[Name | None] = []
        self.states: dict[int, _State] = {}
        self.knows_depth = True
        self.before: tuple[list[Name | None], int] = [], 0
        """The topmost names as the instruction found them, and the depth of the first of them."""
        self.found: list[BytecodeOperation] = []
        self.loads: dict[Name, list[int]] = {}
        self.bindings: dict[Name, dict[int, Name | None]] = {}

    # --- the stack ------------------------------------------------------------------------------

    def take(self, count: int) -> list[Name | None]:
        """The topmost names, the top one last; what lies below all that is known is None."""
        if count <= 0:
            return []
        known = self.stack[-count:]
        del self.stack[-count:]
        return [None] * (min(count, MAX_STACK) - len(known)) + known

    def pop(self) -> Name | None:
        return self.stack.pop() if self.stack else None

    def peek(self, depth: int) -> Name | None:
        """The name ``depth`` from the top, 1 being the top."""
        return self.stack[-depth] if 0 < depth <= len(self.stack) else None

    def push(self, *names: Name | None) -> None:
        if len(self.stack) < MAX_STACK:
            self.stack += names

    def name(self, index: int) -> str | None:
        return self.names[index] if index < len(self.names) else None

    def add(
        self,
        at: BytecodeInstruction,
        kind: str,
        receiver: Name | None,
        name: str | None = None,
        *arguments: Name | None,
    ) -> None:
        wanted = {receiver, ("attr", receiver, name), *arguments}
        wanted |= {argument[1] for argument in arguments if argument and argument[0] == "star"}
        self.found.append(
            BytecodeOperation(at.index, kind, receiver, name, arguments, self.places(wanted))
        )

    def places(self, wanted: set[Name | None]) -> dict[Name, int]:
        """Where the operands lie; a method's own object lies between the method and its
        arguments.
        """
        found: dict[Name, int] = {}
        topmost, depth = self.before
        below: Name | None = None
        for position, name in enumerate(topmost if self.knows_depth else (), depth):
            meant = below[1] if name == SELF and below and below[0] == "attr" else name
            meant = meant[1] if meant and meant[0] == "iter" else meant
            if meant is not None and meant in wanted:
                found[meant] = position
            below = name
        return found

    def other(self, at: BytecodeInstruction) -> None:
        """An instruction that is of no interest here: only its effect on the stack."""
        popped, pushed = self.table.effect(at.name, at.oparg)
        self.take(popped)
        self.push(*[None] * max(0, min(pushed, MAX_STACK)))

    def nothing(self, at: BytecodeInstruction) -> None:
        pass

    # --- variables and constants ----------------------------------------------------------------

    def load(self, at: BytecodeInstruction, *names: Name) -> None:
        for name in names:
            self.loads.setdefault(name, []).append(at.index)
        self.push(*names)

    def load_fast(self, at: BytecodeInstruction) -> None:
        self.load(at, ("fast", at.oparg))

    def load_fast_load_fast(self, at: BytecodeInstruction) -> None:
        self.load(at, ("fast", at.oparg >> 4), ("fast", at.oparg & 15))

    def store_fast(self, at: BytecodeInstruction) -> None:
        self.bind(at, at.oparg, self.pop())

    def store_fast_load_fast(self, at: BytecodeInstruction) -> None:
        self.bind(at, at.oparg >> 4, self.pop())
        self.load(at, ("fast", at.oparg & 15))

    def store_fast_store_fast(self, at: BytecodeInstruction) -> None:
        self.bind(at, at.oparg >> 4, self.pop())
        self.bind(at, at.oparg & 15, self.pop())

    def bind(self, at: BytecodeInstruction, slot: int, value: Name | None) -> None:
        """A local variable takes what the operation before gave, or an item of that."""
        self.bindings.setdefault(("fast", slot), {})[at.index] = value
        index = None
        if value and value[0] == "item" and value[1] and value[2] and value[2][0] == "int":
            value, index = value[1], value[2][1]
        place = len(self.found) - 1
        if place > 0 and self.found[place].kind == "unpack":
            place -= 1
        if value is None or place < 0:
            return
        last = self.found[place]
        given = ("next", last.receiver) if last.kind == "next" else ("result", last.index)
        if value == given:
            self.found[place] = replace(last, binds={**last.binds, slot: index})
            self.enter(last, ("fast", slot))

    def enter(self, entering: BytecodeOperation, variable: Name) -> None:
        """``with make() as variable``: by that the block's end names what it is called on."""
        manager = entering.receiver
        if entering.name == ENTER and manager and manager[0] == "result":
            left = ("attr", manager, EXIT)
            named = ("attr", ("entered", variable), EXIT)
            self.stack = [named if name == left else name for name in self.stack]

    def load_const(self, at: BytecodeInstruction) -> None:
        self.push(("const", at.oparg))

    def load_small_int(self, at: BytecodeInstruction) -> None:
        self.push(("int", at.oparg))

    def load_global(self, at: BytecodeInstruction) -> None:
        self.load(at, ("global", self.name(at.oparg >> 1)))
        if at.oparg & 1:
            self.push(NULL)

    def load_name(self, at: BytecodeInstruction) -> None:
        self.load(at, ("name", self.name(at.oparg)))

    def load_from_dict_or_globals(self, at: BytecodeInstruction) -> None:
        self.pop()
        self.push(("name", self.name(at.oparg)))

    def store_global(self, at: BytecodeInstruction) -> None:
        value, name = self.pop(), self.name(at.oparg)
        for kind in ("global", "name"):
            self.bindings.setdefault((kind, name), {})[at.index] = value
        self.add(at, "store-global", None, name, value)

    def delete_global(self, at: BytecodeInstruction) -> None:
        self.add(at, "delete-global", None, self.name(at.oparg))

    def load_deref(self, at: BytecodeInstruction) -> None:
        self.add(at, "load-deref", ("deref", at.oparg))
        self.push(("deref", at.oparg))

    def load_from_dict_or_deref(self, at: BytecodeInstruction) -> None:
        self.pop()
        self.load_deref(at)

    def store_deref(self, at: BytecodeInstruction) -> None:
        self.add(at, "store-deref", ("deref", at.oparg), None, self.pop())

    def delete_deref(self, at: BytecodeInstruction) -> None:
        self.add(at, "delete-deref", ("deref", at.oparg))

    def push_null(self, at: BytecodeInstruction) -> None:
        self.push(NULL)

    def copy(self, at: BytecodeInstruction) -> None:
        self.push(self.peek(at.oparg))

    def swap(self, at: BytecodeInstruction) -> None:
        items = self.take(at.oparg)
        if len(items) > 1:
            items[0], items[-1] = items[-1], items[0]
        self.push(*items)

    # --- attributes and items -------------------------------------------------------------------

    def load_attr(self, at: BytecodeInstruction) -> None:
        owner, name = self.pop(), self.name(at.oparg >> 1)
        self.add(at, "load-attr", owner, name)
        self.push(_bounded(("attr", owner, name)))
        if at.oparg & 1:
            self.push(SELF)

    def load_super_attr(self, at: BytecodeInstruction) -> None:
        owner = self.take(3)[2]
        name = self.name(at.oparg >> 2)
        self.add(at, "load-attr", ("super", owner), name)
        self.push(_bounded(("attr", ("super", owner), name)))
        if at.oparg & 1:
            self.push(SELF)

    def load_special(self, at: BytecodeInstruction) -> None:
        owner = self.pop()
        name = SPECIAL_METHODS[at.oparg] if at.oparg < len(SPECIAL_METHODS) else None
        self.push(_bounded(("attr", owner, name)), SELF)

    def store_attr(self, at: BytecodeInstruction) -> None:
        value, owner = self.take(2)
        self.add(at, "store-attr", owner, self.name(at.oparg), value)

    def delete_attr(self, at: BytecodeInstruction) -> None:
        self.add(at, "delete-attr", self.pop(), self.name(at.oparg))

    def import_name(self, at: BytecodeInstruction) -> None:
        self.take(2)
        self.add(at, "import", None, self.name(at.oparg >> self.table.import_name_shift))
        self.push(("result", at.index))

    def import_from(self, at: BytecodeInstruction) -> None:
        module, name = self.peek(1), self.name(at.oparg)
        self.add(at, "load-attr", module, name)
        self.push(_bounded(("attr", module, name)))

    def binary_subscr(self, at: BytecodeInstruction) -> None:
        owner, key = self.take(2)
        self.add(at, "load-subscr", owner, None, key)
        self.push(_bounded(("item", owner, key)))

    def store_subscr(self, at: BytecodeInstruction) -> None:
        value, owner, key = self.take(3)
        self.add(at, "store-subscr", owner, None, key, value)

    def delete_subscr(self, at: BytecodeInstruction) -> None:
        owner, key = self.take(2)
        self.add(at, "delete-subscr", owner, None, key)

    def binary_slice(self, at: BytecodeInstruction) -> None:
        owner, start, stop = self.take(3)
        self.add(at, "load-subscr", owner, None, _bounded(("build", "slice", (start, stop))))
        self.push(("result", at.index))

    def store_slice(self, at: BytecodeInstruction) -> None:
        value, owner, start, stop = self.take(4)
        self.add(
            at, "store-subscr", owner, None, _bounded(("build", "slice", (start, stop))), value
        )

    # --- operators ------------------------------------------------------------------------------

    def binary_op(self, at: BytecodeInstruction) -> None:
        operator = self.table.binary[at.oparg] if at.oparg < len(self.table.binary) else ""
        if operator == "SUBSCR":
            self.binary_subscr(at)
            return
        left, right = self.take(2)
        symbol = SYMBOLS.get(operator.removeprefix("INPLACE_"))
        if symbol and operator.startswith("INPLACE_"):
            symbol += "="
        self.add(at, "binary-op", left, symbol, right)
        self.push(("result", at.index))

    def compare_op(self, at: BytecodeInstruction) -> None:
        left, right = self.take(2)
        kind = at.oparg >> 5
        self.add(at, "compare", left, COMPARISONS[kind] if kind < len(COMPARISONS) else None, right)
        self.push(("result", at.index))

    def contains_op(self, at: BytecodeInstruction) -> None:
        item, container = self.take(2)
        self.add(at, "contains", container, None, item)
        self.push(("result", at.index))

    def to_bool(self, at: BytecodeInstruction) -> None:
        self.add(at, "truth", self.pop())
        self.push(("result", at.index))

    def convert_value(self, at: BytecodeInstruction) -> None:
        self.add(at, "format", self.pop(), CONVERSIONS.get(at.oparg))
        self.push(("result", at.index))

    def match_class(self, at: BytecodeInstruction) -> None:
        subject, class_, names = self.take(3)
        self.add(at, "match", subject, None, class_, names)
        self.push(("result", at.index))

    def format_simple(self, at: BytecodeInstruction) -> None:
        self.add(at, "format", self.pop())
        self.push(("result", at.index))

    def format_with_spec(self, at: BytecodeInstruction) -> None:
        value, _spec = self.take(2)
        self.add(at, "format", value)
        self.push(("result", at.index))

    # --- iteration ------------------------------------------------------------------------------

    def get_iter(self, at: BytecodeInstruction) -> None:
        source = self.pop()
        self.add(at, "aiter" if at.name == "GET_AITER" else "iter", source)
        _, pushed = self.table.effect(at.name, at.oparg)
        # An iterator is its own iterator.
        self.push(
            source if source and source[0] == "iter" else _bounded(("iter", source)),
            *[None] * (pushed - 1),
        )

    def get_awaitable(self, at: BytecodeInstruction) -> None:
        self.add(at, "await", self.peek(1))

    def for_iter(self, at: BytecodeInstruction) -> None:
        """The iterator stays (since 3.15 an index lies on it), and its item comes on top."""
        self._advance(at, "next")

    def send(self, at: BytecodeInstruction) -> None:
        self._advance(at, "send")

    def _advance(self, at: BytecodeInstruction, kind: str) -> None:
        popped, pushed = self.table.effect(at.name, at.oparg)
        below = self.take(popped)
        iterator = below[0] if below else None
        source = iterator[1] if iterator and iterator[0] == "iter" else iterator
        self.add(at, kind, source)
        self.push(*below[: pushed - 1], _bounded(("next", source)))

    def get_anext(self, at: BytecodeInstruction) -> None:
        self.add(at, "anext", self.peek(1))
        self.push(("result", at.index))

    def unpack(self, at: BytecodeInstruction) -> None:
        packed = self.peek(1)
        self.add(at, "unpack", packed)
        self.other(at)
        if at.name == "UNPACK_SEQUENCE" and packed and packed[0] in ("result", "next"):
            # The first item lies on top.
            self.take(at.oparg)
            items = range(min(at.oparg, MAX_STACK))
            self.push(*(_bounded(("item", packed, ("int", n))) for n in reversed(items)))

    def raise_varargs(self, at: BytecodeInstruction) -> None:
        raised = self.take(at.oparg)
        if raised:
            self.add(at, "raise", raised[0], None, *raised[1:])

    # --- building -------------------------------------------------------------------------------

    def build(self, at: BytecodeInstruction) -> None:
        popped, _ = self.table.effect(at.name, at.oparg)
        what = (
            at.name.removeprefix("BUILD_")
            .lower()
            .replace("const_key_map", "map")
            .replace("map", "dict")
        )
        self.push(_bounded(("build", what, tuple(self.take(popped)))))

    def append(self, at: BytecodeInstruction) -> None:
        """Into what a comprehension or a display is building."""
        added = self.take(2 if at.name == "MAP_ADD" else 1)
        # Deeper down it is a comprehension's, whose loop adds any number.
        if at.oparg == 1:
            self.grow(1, *added)

    def extend(self, at: BytecodeInstruction) -> None:
        source = self.pop()
        self.add(at, "extend", source, at.name.split("_")[0].lower(), self.peek(at.oparg))
        self.grow(at.oparg, ("star", source))

    def grow(self, depth: int, *parts: Name | None) -> None:
        """More parts of the new thing that lies ``depth`` from the top."""
        grown = self.peek(depth)
        if grown and grown[0] == "build":
            self.stack[-depth] = _bounded((*grown[:2], (*grown[2], *parts)))

    # --- calls ----------------------------------------------------------------------------------

    def call(self, at: BytecodeInstruction) -> None:
        callee, first, *arguments = self.take(at.oparg + 2)
        self._called(at, callee, first, arguments)

    def call_kw(self, at: BytecodeInstruction) -> None:
        names = self.pop()
        callee, first, *arguments = self.take(at.oparg + 2)
        self._called(at, callee, first, arguments, names)

    def call_function_ex(self, at: BytecodeInstruction) -> None:
        popped, _ = self.table.effect(at.name, at.oparg)
        callee, first, *packed = self.take(popped)
        arguments: list[Name | None] = []
        names: list[Name | None] = []
        for pack in packed:
            kind = pack[1] if pack and pack[0] == "build" else None
            if pack and kind in ("tuple", "list"):
                arguments += pack[2]
            elif pack and kind == "dict":
                pairs, mappings = _parts_of_dict(pack[2])
                names += [key for key, _ in pairs]
                arguments += [value for _, value in pairs] + mappings
            elif pack != NULL:
                arguments.append(_bounded(("star", pack)))
        keywords = _bounded(("build", "tuple", tuple(names))) if names else None
        self._called(at, callee, first, arguments, keywords)

    def before_with(self, at: BytecodeInstruction) -> None:
        manager = self.pop()
        self.add(
            at, "call-method", manager, "__enter__" if at.name == "BEFORE_WITH" else "__aenter__"
        )
        self.push(
            _bounded(("attr", manager, "__exit__" if at.name == "BEFORE_WITH" else "__aexit__")),
            ("result", at.index),
        )

    def _called(
        self,
        at: BytecodeInstruction,
        callee: Name | None,
        first: Name | None,
        arguments: list[Name | None],
        keywords: Name | None = None,
    ) -> None:
        """``first`` is what lies between callee and arguments: NULL, or an object that is the first
        argument really.
        """
        if first not in (NULL, SELF):
            arguments = [first, *arguments]
        if callee and callee[0] == "attr":
            self.add(at, "call-method", callee[1], callee[2], *arguments)
        else:
            name = callee[1] if callee and callee[0] in ("global", "name") else None
            self.add(at, "call", callee, name, *arguments)
        self.found[-1].keywords = keywords
        self.push(("result", at.index))


HANDLERS: dict[str, Callable[[_Walk, BytecodeInstruction], None]] = {
    **dict.fromkeys(
        ("LOAD_FAST", "LOAD_FAST_CHECK", "LOAD_FAST_BORROW", "LOAD_FAST_AND_CLEAR"), _Walk.load_fast
    ),
    **dict.fromkeys(
        ("LOAD_FAST_LOAD_FAST", "LOAD_FAST_BORROW_LOAD_FAST_BORROW"), _Walk.load_fast_load_fast
    ),
    "STORE_FAST": _Walk.store_fast,
    "STORE_FAST_LOAD_FAST": _Walk.store_fast_load_fast,
    "STORE_FAST_STORE_FAST": _Walk.store_fast_store_fast,
    "LOAD_CONST": _Walk.load_const,
    "LOAD_SMALL_INT": _Walk.load_small_int,
    "LOAD_GLOBAL": _Walk.load_global,
    "LOAD_NAME": _Walk.load_name,
    "LOAD_FROM_DICT_OR_GLOBALS": _Walk.load_from_dict_or_globals,
    **dict.fromkeys(("STORE_GLOBAL", "STORE_NAME"), _Walk.store_global),
    **dict.fromkeys(("DELETE_GLOBAL", "DELETE_NAME"), _Walk.delete_global),
    "LOAD_DEREF": _Walk.load_deref,
    "LOAD_FROM_DICT_OR_DEREF": _Walk.load_from_dict_or_deref,
    "STORE_DEREF": _Walk.store_deref,
    "DELETE_DEREF": _Walk.delete_deref,
    "PUSH_NULL": _Walk.push_null,
    "COPY": _Walk.copy,
    "SWAP": _Walk.swap,
    "LOAD_ATTR": _Walk.load_attr,
    "LOAD_SUPER_ATTR": _Walk.load_super_attr,
    "LOAD_SPECIAL": _Walk.load_special,
    "STORE_ATTR": _Walk.store_attr,
    "DELETE_ATTR": _Walk.delete_attr,
    "IMPORT_NAME": _Walk.import_name,
    "IMPORT_FROM": _Walk.import_from,
    "BINARY_SUBSCR": _Walk.binary_subscr,
    "STORE_SUBSCR": _Walk.store_subscr,
    "DELETE_SUBSCR": _Walk.delete_subscr,
    "BINARY_SLICE": _Walk.binary_slice,
    "STORE_SLICE": _Walk.store_slice,
    "BINARY_OP": _Walk.binary_op,
    "COMPARE_OP": _Walk.compare_op,
    "CONTAINS_OP": _Walk.contains_op,
    "TO_BOOL": _Walk.to_bool,
    "MATCH_CLASS": _Walk.match_class,
    "CONVERT_VALUE": _Walk.convert_value,
    "FORMAT_SIMPLE": _Walk.format_simple,
    "FORMAT_WITH_SPEC": _Walk.format_with_spec,
    **dict.fromkeys(("GET_ITER", "GET_AITER", "GET_YIELD_FROM_ITER"), _Walk.get_iter),
    "GET_AWAITABLE": _Walk.get_awaitable,
    "FOR_ITER": _Walk.for_iter,
    "SEND": _Walk.send,
    "GET_ANEXT": _Walk.get_anext,
    **dict.fromkeys(("UNPACK_SEQUENCE", "UNPACK_EX"), _Walk.unpack),
    "RAISE_VARARGS": _Walk.raise_varargs,
    **dict.fromkeys(
        (
            "BUILD_LIST",
            "BUILD_TUPLE",
            "BUILD_SET",
            "BUILD_MAP",
            "BUILD_CONST_KEY_MAP",
            "BUILD_SLICE",
            "BUILD_STRING",
        ),
        _Walk.build,
    ),
    **dict.fromkeys(("LIST_EXTEND", "SET_UPDATE", "DICT_UPDATE", "DICT_MERGE"), _Walk.extend),
    **dict.fromkeys(("LIST_APPEND", "SET_ADD", "MAP_ADD"), _Walk.append),
    "CALL": _Walk.call,
    "CALL_KW": _Walk.call_kw,
    "CALL_FUNCTION_EX": _Walk.call_function_ex,
    **dict.fromkeys(("BEFORE_WITH", "BEFORE_ASYNC_WITH"), _Walk.before_with),
    # It turns a list into the tuple of a call's arguments, and the like: what it is of stays the
    # same.
    "CALL_INTRINSIC_1": _Walk.nothing,
}
