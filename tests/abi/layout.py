#!/usr/bin/env python3
"""layout.py ARCH COMPILER...: the plugin ABI as ARCH's compiler sees it, as text.

Every struct, union, enumeration, type and constant of the headers under sdk/include: sizes,
alignments, offsets, values, and how each member is declared. The headers themselves say what there
is, so that nothing can be forgotten; what this cannot read is an error. The compiler says the
numbers, as constants in an object file: nothing is run, so any architecture will do.
"""

import os
import re
import struct
import subprocess
import sys
import tempfile

INCLUDE = "sdk/include"
FLAGS = ["-std=c11", "-ffreestanding", "-I" + INCLUDE]
TOKEN = re.compile(r'"(?:\\.|[^"\\])*"|\'(?:\\.|[^\'\\])*\'|[A-Za-z_]\w*|\.?\d[\w.]*|\.\.\.|\S')
MACHINE = {"x86_64": 62, "arm64": 183, "riscv64": 243}


def fail(text):
    sys.exit(f"layout.py: {text}")


def list_headers():
    found = []
    for folder, _, names in os.walk(INCLUDE):
        found += [os.path.relpath(os.path.join(folder, n), INCLUDE) for n in names if n.endswith(".h")]
    return sorted(found)


def run_compiler(compiler, args, text):
    done = subprocess.run(compiler + FLAGS + args + ["-x", "c", "-"], input=text, text=True,
                          capture_output=True, check=False)
    if done.returncode != 0:
        fail(f"{' '.join(compiler)} does not compile the headers:\n{done.stderr}")
    return done.stdout


def preprocess(compiler, headers):
    """Header -> its own text, without comments, with #define lines in it."""
    text = "".join(f"#include <{name}>\n" for name in headers)
    own, where = {name: [] for name in headers}, None
    for line in run_compiler(compiler, ["-E", "-dD"], text).splitlines():
        marker = re.match(r'# \d+ "(.*?)"', line)
        if marker:
            path = os.path.relpath(marker[1], INCLUDE)
            where = path if path in own else None
        elif where:
            own[where].append(line)
    return own


def split_constants(lines):
    """Names of the constants that are defined there, and the C text without #define lines."""
    names, text = [], []
    for line in lines:
        define = re.match(r"#define ([A-Za-z_]\w*)(\(?)\s*(.*)", line)
        if define is None:
            text.append(line if not line.startswith("#") else "")
        elif not define[2] and define[3] and not define[1].endswith("_"):
            names.append((define[1], define[3]))
    return names, " ".join(text)


def balanced(tokens, at):
    """The position behind the bracket that closes the one at `at`."""
    depth = 0
    for i in range(at, len(tokens)):
        depth += tokens[i] in "{([" and len(tokens[i]) == 1
        depth -= tokens[i] in "})]" and len(tokens[i]) == 1
        if depth == 0:
            return i + 1
    fail(f"a bracket is not closed: {' '.join(tokens[at:at + 12])}")


def split_at(tokens, mark):
    """Parts between marks that stand outside all brackets."""
    parts, begin, i = [], 0, 0
    while i < len(tokens):
        if tokens[i] in ("{", "(", "["):
            i = balanced(tokens, i)
            continue
        if tokens[i] == mark:
            parts.append(tokens[begin:i])
            begin = i + 1
        i += 1
    return parts + ([tokens[begin:]] if tokens[begin:] else [])


def text_of(tokens):
    text = " ".join(tokens)
    text = re.sub(r"\* (?=[\w(*])", "*", text)
    text = re.sub(r" ([,)\]\[])", r"\1", text)
    text = re.sub(r"([(\[]) ", r"\1", text)
    return re.sub(r"(\(\*\w+\)|\w) (?=\((?!\*))", r"\1", text)


def name_of(tokens):
    """What a member's declaration declares."""
    for i, token in enumerate(tokens):
        if token == "(":
            if tokens[i + 1] != "*" or not re.match(r"\w+$", tokens[i + 2]):
                fail(f"not understood: {text_of(tokens)}")
            return tokens[i + 2]
    plain = tokens[:tokens.index("[")] if "[" in tokens else tokens
    if not re.match(r"[A-Za-z_]\w*$", plain[-1]):
        fail(f"not understood: {text_of(tokens)}")
    return plain[-1]


def read_members(body, prefix, what):
    """(path, declaration) of each member; those of a struct within a struct by themselves."""
    members = []
    for part in split_at(body, ";"):
        if "{" in part:
            begin = part.index("{")
            end = balanced(part, begin)
            name = ".".join(part[end:])
            if len(part[end:]) > 1:
                fail(f"{what}: not understood: {text_of(part[end:])}")
            members += read_members(part[begin + 1:end - 1], prefix + (name + "." if name else ""), what)
        elif len(split_at(part, ",")) > 1 or ":" in part:
            fail(f"{what}: two members in one declaration, or a bit field: {text_of(part)}")
        else:
            members.append((prefix + name_of(part), text_of(part)))
    return members


def read_declarations(text):
    """('struct', 'union', 'enum' or 'type', name, members or values) in order."""
    tokens, found, at = TOKEN.findall(text), [], 0
    while at < len(tokens):
        end = at
        while end < len(tokens) and tokens[end] not in (";", "{"):
            end = balanced(tokens, end) if tokens[end] in ("(", "[") else end + 1
        head = tokens[at:end]
        if end < len(tokens) and tokens[end] == "{":
            close = balanced(tokens, end)
            body, kind = tokens[end + 1:close - 1], head[0]
            if kind in ("struct", "union") and len(head) == 2 and tokens[close] == ";":
                found.append((kind, head[1], read_members(body, "", head[1])))
            elif kind == "enum" and tokens[close] == ";":
                found.append((kind, (head + [""])[1], [p[0] for p in split_at(body, ",")]))
            elif "(" not in head:
                fail(f"not understood: {text_of(head)} {{")
            at = close + (close < len(tokens) and tokens[close] == ";")
            continue
        if head and head[0] == "typedef":
            found.append(("type", name_of(head), text_of(head[1:])))
        at = end + 1
    return found


def list_facts(own):
    """Pairs (text with {} for the numbers, C expressions of these numbers); None: a plain line."""
    for header, lines in own.items():
        names, text = split_constants(lines)
        yield f"\n{header}", []
        for name, value in names:
            if value.startswith('"'):
                yield f"  constant {name} {value}", []
            else:
                yield f"  constant {name} {{}}", [name]
        for kind, name, parts in read_declarations(text):
            if kind == "enum":
                for one in parts:
                    yield f"  constant {one} {{}}", [one]
            elif kind == "type":
                yield f"  type {parts}: {{}} bytes, aligned to {{}}", [f"sizeof({name})", f"_Alignof({name})"]
            else:
                whole = f"{kind} {name}"
                yield f"  {whole}: {{}} bytes, aligned to {{}}", [f"sizeof({whole})", f"_Alignof({whole})"]
                for path, declaration in parts:
                    yield (f"    {{:>4}} {{:>3}}  {declaration}",
                           [f"offsetof({whole}, {path})", f"sizeof((({whole} *)0)->{path})"])


def read_section(path, name, arch):
    """The bytes of an ELF object's section; the object must be for `arch`."""
    with open(path, "rb") as file:
        elf = file.read()
    if elf[:6] != b"\x7fELF\x02\x01" or struct.unpack_from("<H", elf, 18)[0] != MACHINE[arch]:
        fail(f"the compiler does not compile for {arch}")
    table, = struct.unpack_from("<Q", elf, 40)
    size, count, strings = struct.unpack_from("<HHH", elf, 58)
    rows = [struct.unpack_from("<IIQQQQIIQQ", elf, table + i * size) for i in range(count)]
    for row in rows:
        at = rows[strings][4] + row[0]
        if elf[at:elf.index(b"\0", at)].decode() == name:
            return elf[row[4]:row[4] + row[5]]
    fail(f"no section {name} in what the compiler made")


def measure(arch, compiler, headers, expressions):
    text = "#include <stddef.h>\n#include <stdint.h>\n"
    text += "".join(f"#include <{name}>\n" for name in headers)
    text += '__attribute__((section(".layout"), used)) const int64_t layout[] = {\n'
    text += "".join(f"    (int64_t)({one}),\n" for one in expressions) + "};\n"
    with tempfile.TemporaryDirectory() as folder:
        made = os.path.join(folder, "layout.o")
        run_compiler(compiler, ["-c", "-o", made], text)
        found = read_section(made, ".layout", arch)
    return list(struct.unpack(f"<{len(expressions)}q", found))


def main():
    if len(sys.argv) < 3 or sys.argv[1] not in MACHINE:
        fail("usage: layout.py x86_64|arm64|riscv64 COMPILER...")
    arch, compiler = sys.argv[1], sys.argv[2:]
    headers = list_headers()
    facts = list(list_facts(preprocess(compiler, headers)))
    values = measure(arch, compiler, headers, [e for _, more in facts for e in more])
    print("The plugin ABI: sizes in bytes, then each member's offset and size. Made by make abi-update.")
    for text, expressions in facts:
        print(text.format(*values[:len(expressions)]))
        del values[:len(expressions)]


main()
