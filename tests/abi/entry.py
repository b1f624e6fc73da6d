#!/usr/bin/env python3
"""entry.py [--include FOLDER] ARCH COMPILER...: what the macros leave in a file, as text.

Compiles entry.c with the headers under sdk/include (or FOLDER), as C and, where the compiler can, as
C++: the note, byte by byte, and the visible symbols with their size and what they hold but for
addresses. The two languages must give the same.
"""

import os
import struct
import sys
import tempfile

from layout import INCLUDE, MACHINE, call_compiler, fail

SOURCE = os.path.join(os.path.dirname(os.path.abspath(__file__)), "entry.c")
SHT_NOTE, SHT_SYMTAB = 7, 2
BINDS = {1: "global", 2: "weak"}
KINDS = {0: "untyped", 1: "object", 2: "function"}
SEEN = {0: "default", 1: "internal", 2: "hidden", 3: "protected"}


def read_sections(elf):
    table, = struct.unpack_from("<Q", elf, 40)
    size, count, strings = struct.unpack_from("<HHH", elf, 58)
    rows = [struct.unpack_from("<IIQQQQIIQQ", elf, table + i * size) for i in range(count)]

    def name(row):
        at = rows[strings][4] + row[0]
        return elf[at:elf.index(b"\0", at)].decode()

    return [(name(row), row) for row in rows]


def list_symbols(elf, sections):
    """Lines for the symbols that others could see."""
    for _, row in sections:
        if row[1] != SHT_SYMTAB:
            continue
        names = sections[row[6]][1]
        for at in range(row[4], row[4] + row[5], 24):
            name, info, other, index, value, size = struct.unpack_from("<IBBHQQ", elf, at)
            start = names[4] + name
            text = elf[start:elf.index(b"\0", start)].decode()
            if info >> 4 not in BINDS or index == 0:
                continue
            where = sections[index][1][4] + value
            yield (f"symbol {text}: {BINDS[info >> 4]}, {KINDS.get(info & 15, info & 15)}, "
                   f"{SEEN[other & 3]}, {size} bytes:{show(elf[where:where + size])}")


def show(data):
    lines = [data[i:i + 16].hex(" ") for i in range(0, len(data), 16)]
    return "".join("\n  " + line for line in lines)


def list_notes(elf, sections):
    for name, row in sections:
        if row[1] == SHT_NOTE and "GNU" not in name and "gnu" not in name:
            flags = row[2] & 3  # writable, allocated
            yield (f"section {name}: note, flags {flags}, aligned to {row[8]}, {row[5]} bytes:"
                   f"{show(elf[row[4]:row[4] + row[5]])}")


def read_entry(arch, compiler, include, language):
    with open(SOURCE, encoding="utf-8") as file:
        text = file.read()
    with tempfile.TemporaryDirectory() as folder:
        made = os.path.join(folder, "entry.o")
        args = ["-O1", "-fPIC", "-fvisibility=hidden", "-c", "-o", made]
        done = call_compiler(compiler, include, args, text, language)
        if done.returncode != 0:
            fail(f"{' '.join(compiler)}, {language}: does not compile entry.c:\n{done.stderr}")
        with open(made, "rb") as file:
            elf = file.read()
    if elf[:6] != b"\x7fELF\x02\x01" or struct.unpack_from("<H", elf, 18)[0] != MACHINE[arch]:
        fail(f"the compiler does not compile for {arch}")
    sections = read_sections(elf)
    return "\n".join([*list_notes(elf, sections), *sorted(list_symbols(elf, sections))]) + "\n"


def has_cxx(compiler):
    return call_compiler(compiler, INCLUDE, ["-fsyntax-only"], "int x;\n", "c++").returncode == 0


def write_entry(arch, compiler, include):
    found = read_entry(arch, compiler, include, "c")
    if has_cxx(compiler):
        other = read_entry(arch, compiler, include, "c++")
        if other != found:
            fail(f"as C it is\n{found}\nand as C++\n{other}")
    return "What the headers' macros leave in a file. Made by make abi-update.\n" + found


def main():
    args, include = sys.argv[1:], INCLUDE
    if args[:1] == ["--include"] and len(args) > 1:
        include, args = args[1], args[2:]
    if len(args) < 2 or args[0] not in MACHINE:
        fail("usage: entry.py [--include FOLDER] x86_64|arm64|riscv64 COMPILER...")
    print(write_entry(args[0], args[1:], include), end="")


if __name__ == "__main__":
    main()
