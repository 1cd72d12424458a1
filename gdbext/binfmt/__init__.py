"""What files say: ELF, cores, DWARF, x86-64 instructions."""
