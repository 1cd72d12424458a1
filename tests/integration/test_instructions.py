"""The decoder of instructions against gdb's disassembler, over code of a real interpreter."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterator

import pytest

import interpreters
from gdbext.binfmt.x86.instruction import decode
from lab.crash import debugger

FUNCTIONS = ("_PyEval_EvalFrameDefault", "PyObject_Repr", "list_repr", "float_pow", "_Py_dg_strtod")
LINE = re.compile(r"\s+(0x[0-9a-f]+) <[^>]*>:\t((?:[0-9a-f]{2} ?)+) *\t(.*)")
# gdb's spelling of what the decoder leaves out: comments, symbols, zero displacements, segments
# that change nothing, size suffixes beside a register, and padding.
NOISE = re.compile(r"\s*(?:<[^>]*>|#.*)")
PADDING = re.compile(r"(?:data16 |cs )*nop|xchg +%ax,%ax")
SUFFIXED = re.compile(r"(mov|shl|shr|sar) (?=.*%xmm)|^(sh[lr]|sa[lr])([bwlq]?) ([^,]*)$")


def disassembled(executable: str) -> Iterator[tuple[int, bytes, str]]:
    steps = [word for name in FUNCTIONS for word in ("-ex", f"disassemble /r {name}")]
    done = subprocess.run(
        [
            debugger("gdb"),
            "-nx",
            "-batch",
            "-iex",
            "set debuginfod enabled off",
            *steps,
            executable,
        ],
        capture_output=True,
        text=True,
        check=False,
    )
    for line in done.stdout.splitlines():
        if match := LINE.fullmatch(line):
            yield int(match[1], 16), bytes.fromhex(match[2]), match[3]


def plain(text: str) -> str:
    """gdb's text in the decoder's spelling."""
    words = re.sub(r"\s+", " ", NOISE.sub("", text)).strip()
    words = re.sub(r"%[de]s:(?=\()", "", words)
    words = re.sub(r"(?<![0-9a-f])0x0\(", "(", words).replace(",1)", ")")
    return SUFFIXED.sub(lambda m: m[0] if m[1] else f"{m[2]}{m[3]} $1,{m[4]}", words)


@pytest.mark.parametrize("variant", ["release", "debug"])
def test_every_instruction_is_decoded_as_gdb_does(variant: str) -> None:
    compared = 0
    for address, code, text in disassembled(str(interpreters.executable(variant))):
        wanted = plain(text)
        if PADDING.match(wanted):
            continue
        instruction = decode(code)
        assert instruction is not None, (code.hex(), text)
        assert instruction.size == len(code)
        shown = instruction.text(address).replace("$0x1,", "$1,", wanted.startswith(("sh", "sa")))
        assert shown == wanted, code.hex()
        compared += 1
    assert compared > 10_000
