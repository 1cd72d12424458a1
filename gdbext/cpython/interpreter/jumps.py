"""Instructions after which the next one in the code is not, or not the only one, that may run
(Python/bytecodes.c).
"""

from __future__ import annotations

FORWARD = frozenset(
    {
        "POP_JUMP_IF_TRUE",
        "POP_JUMP_IF_FALSE",
        "POP_JUMP_IF_NONE",
        "POP_JUMP_IF_NOT_NONE",
        "JUMP_FORWARD",
        "FOR_ITER",
        "SEND",
    }
)
"""They may go on further down."""
BACKWARD = frozenset({"JUMP_BACKWARD", "JUMP_BACKWARD_NO_INTERRUPT"})
ENDS = BACKWARD | {
    "JUMP_FORWARD",
    "RETURN_VALUE",
    "RETURN_CONST",
    "RAISE_VARARGS",
    "RERAISE",
    "INTERPRETER_EXIT",
}
"""After these the next instruction is reached from elsewhere only."""
