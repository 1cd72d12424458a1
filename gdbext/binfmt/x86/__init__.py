"""One x86-64 instruction decoded from its bytes, without a disassembler."""
