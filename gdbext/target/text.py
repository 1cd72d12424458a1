"""The debuggers' texts made equal: types, instructions; and expressions that would do more than look."""

from __future__ import annotations

import re
from contextlib import suppress

from gdbext.target.protocol import Debugger, DebuggerError

ASSIGNMENT = re.compile(r"\+\+|--|<<=|>>=|(?<![=!<>])=(?!=)")
QUOTED = re.compile(r"""'(?:\\.|[^'\\])'|"(?:\\.|[^"\\])*\"""")
WITH_SUFFIX = re.compile(
    r"(?:mov|add|sub|adc|sbb|cmp|test|and|or|xor|not|neg|inc|dec|lea|i?mul|i?div|sh[lr]|sa[lr]|ro[lr]|bt[crs]?|xchg|xadd|cmpxchg|cmov\w+?)(?=[bwlq]$)"
)
ALWAYS_BARE = re.compile(r"(?:push|pop|call|jmp|ret|leave)(?=[wq]$)")
WIDTHS = {"b": 8, "w": 16, "l": 32, "q": 64}
REGISTER_OPERAND = re.compile(r"(?:^|,)\*?%(?!xmm|ymm|zmm|mm|st)\w+(?=,|$)")


def has_own_name(file: str | None) -> bool:
    """Whether the function of a source file has a name in debug information; one in assembler has symbols only, often several."""
    return file is not None and not file.endswith(".S")


def tidy_type(name: str) -> str:
    """A C type without ``struct``, ``union`` and ``enum``, spelled in one way.

    >>> tidy_type("struct _ts *"), tidy_type("char [16]"), tidy_type("PyObject * const *")
    ('_ts *', 'char[16]', 'PyObject *const *')
    """
    bare = (
        re.sub(r"\b(?:struct|union|enum) (?=[\w{])", "", name)
        .replace("_Bool", "bool")
        .replace("(void)", "()")
    )
    return re.sub(r"\* (?=const|volatile|restrict)", "*", bare.replace(" [", "["))


def tidy_instruction(text: str) -> str:
    """An AT&T instruction without comments and symbols, spaced in one way, its size suffix only where no register tells the size.

    >>> tidy_instruction("movq   0x18(%rax), %rdi"), tidy_instruction("cmpq $0x0,(%rax)  # 0x40 <x>")
    ('mov 0x18(%rax),%rdi', 'cmpq $0x0,(%rax)')
    >>> tidy_instruction("cmpb $-0xc, 0x0(%rbp)")
    'cmpb $0xf4,(%rbp)'
    """
    bare = re.sub(r"\s*(?:<[^>]*>|[#;].*)", "", text).strip()
    mnemonic, _, operands = bare.partition(" ") if " " in bare else bare.partition("\t")
    operands = re.sub(r"\s+", " ", operands.strip()).replace(", ", ",")
    operands = re.sub(r"(^|,)0x0\(", r"\1(", operands).replace(",1)", ")")
    operands = re.sub(r"%[de]s:(?=\()", "", operands)
    bits = WIDTHS.get(mnemonic[-1:], 64)
    operands = re.sub(
        r"\$-0x([0-9a-f]+)", lambda found: f"${-int(found[1], 16) & (1 << bits) - 1:#x}", operands
    )
    if mnemonic in ("lock", "rep", "repz", "repnz", "notrack", "bnd", "data16"):
        return f"{mnemonic} {tidy_instruction(operands)}"
    short = ALWAYS_BARE.match(mnemonic) or (
        WITH_SUFFIX.match(mnemonic) if REGISTER_OPERAND.search(_outside(operands)) else None
    )
    return f"{short[0] if short else mnemonic} {operands}".rstrip()


def _outside(operands: str) -> str:
    """The operands without what stands in parentheses."""
    return re.sub(r"\([^)]*\)", "", operands)


def refuse_side_effects(expression: str) -> None:
    """Raise DebuggerError for an expression that assigns.  (That nothing is called, the debuggers see to themselves.)

    >>> refuse_side_effects("v->ob_item[0] == 0")
    """
    if ASSIGNMENT.search(QUOTED.sub("", expression)):
        raise DebuggerError(f"`{expression}` would change the program; gdbext only looks")


def simple_value(debugger: Debugger, expression: str) -> int | None:
    """The value of a number or of a variable of the selected frame: neither needs the debugger's own evaluation.

    A variable is looked up as ``variables`` has it: the debugger may show garbage where a register was not saved, or nothing
    where its caller still knows the value.
    """
    if not expression.strip():
        raise DebuggerError(
            "an address is missing: a variable, a register ($rdi), a number or another expression"
        )
    with suppress(ValueError):
        number = int(expression, 0)
        if number >> 64 not in (0, -1):
            raise DebuggerError(f"`{expression}` is no address: it has more than 64 bits")
        return number & (1 << 64) - 1
    if not expression.isidentifier():
        return None
    variable = next(
        (v for v in debugger.variables(*debugger.selected()) if v.name == expression), None
    )
    if variable is not None and variable.value is None:
        raise DebuggerError(f"`{expression}` is optimized out here; give its address instead")
    return variable.value if variable is not None else None
