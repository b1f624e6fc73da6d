#!/usr/bin/env python3
"""layout.py [--include FOLDER] ARCH COMPILER...: the plugin ABI as ARCH's compiler sees it, as text.

Every struct, union, enumeration, type, constant, macro and function of the headers under sdk/include
(or FOLDER): sizes, alignments, offsets, values, and how each is declared. The headers themselves say
what there is, so that nothing can be forgotten; what this cannot read is an error. The compiler says
the numbers, as constants in an object file: nothing is run, so any architecture will do.
"""

import os
import re
import struct
import subprocess
import sys
import tempfile

INCLUDE = "sdk/include"
LANGUAGES = {"c": ["-x", "c", "-std=c11"], "c++": ["-x", "c++", "-std=c++11"]}
TOKEN = re.compile(r'"(?:\\.|[^"\\])*"|\'(?:\\.|[^\'\\])*\'|[A-Za-z_]\w*|\.?\d[\w.]*|\.\.\.|\S')
MACHINE = {"x86_64": 62, "arm64": 183, "riscv64": 243}


def fail(text):
    sys.exit(f"layout.py: {text}")


def list_headers(include):
    found = []
    for folder, _, names in os.walk(include):
        found += [os.path.relpath(os.path.join(folder, n), include) for n in names if n.endswith(".h")]
    return sorted(found)


def call_compiler(compiler, include, args, text, language="c"):
    whole = [*compiler, *LANGUAGES[language], "-ffreestanding", "-I" + include, *args, "-"]
    return subprocess.run(whole, input=text, text=True, capture_output=True, check=False,
                          env={**os.environ, "LC_ALL": "C"})


def run_compiler(compiler, include, args, text):
    done = call_compiler(compiler, include, args, text)
    if done.returncode != 0:
        fail(f"{' '.join(compiler)} does not compile the headers:\n{done.stderr}")
    return done.stdout


def preprocess(compiler, include):
    """Header -> its own text, without comments, with #define lines in it."""
    headers = list_headers(include)
    text = "".join(f"#include <{name}>\n" for name in headers)
    own, where = {name: [] for name in headers}, None
    for line in run_compiler(compiler, include, ["-E", "-dD"], text).splitlines():
        marker = re.match(r'# \d+ "(.*?)"', line)
        if marker:
            path = os.path.relpath(marker[1], include)
            where = path if path in own else None
        elif where:
            own[where].append(line)
    return own


def split_macros(lines):
    """(name, value) of each constant, each macro as NAME(PARAMETERS), and the C text without them.

    A name that ends in _ is the headers' own."""
    constants, macros, text = [], [], []
    for line in lines:
        define = re.match(r"#define ([A-Za-z_]\w*)(\(?)\s*(.*)", line)
        if define is None:
            text.append(line if not line.startswith("#") else "")
        elif define[1].endswith("_"):
            continue
        elif define[2]:
            parameters = [p.strip() for p in define[3][:define[3].index(")")].split(",")]
            macros.append((define[1], f"{define[1]}({', '.join(parameters)})"))
        elif define[3]:
            constants.append((define[1], define[3]))
    return constants, macros, " ".join(text)


def read_function(tokens):
    """A function's prototype, without what does not matter to a caller."""
    tokens = [t for t in tokens if t not in ("static", "inline", "extern")]
    while "__attribute__" in tokens:
        at = tokens.index("__attribute__")
        tokens = tokens[:at] + tokens[balanced(tokens, at + 1):]
    at = tokens.index("(")
    if not re.match(r"[A-Za-z_]\w*$", tokens[at - 1]):
        fail(f"not understood: {text_of(tokens)}")
    return tokens[at - 1], text_of(tokens)


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
    """('struct', 'union', 'enum', 'type' or 'function', name, members or values) in order."""
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
            elif "(" in head:
                found.append(("function", *read_function(head)))
            else:
                fail(f"not understood: {text_of(head)} {{")
            at = close + (close < len(tokens) and tokens[close] == ";")
            continue
        if head and head[0] == "typedef":
            found.append(("type", name_of(head), text_of(head[1:])))
        elif "(" in head:
            found.append(("function", *read_function(head)))
        at = end + 1
    return found


def list_facts(own):
    """(key, text with {} for the numbers, C expressions of these numbers, what else is known)"""
    for header, lines in own.items():
        constants, macros, text = split_macros(lines)
        yield ("header", header), f"\n{header}", [], None
        for name, value in constants:
            if value.startswith('"'):
                yield ("string", name), f"  constant {name} {value}", [], value
            else:
                yield ("constant", name), f"  constant {name} {{}}", [name], value
        for name, whole in macros:
            yield ("macro", name), f"  macro {whole}", [], whole
        for kind, name, parts in read_declarations(text):
            if kind == "enum":
                for one in parts:
                    yield ("constant", one), f"  constant {one} {{}}", [one], one
            elif kind == "function":
                yield ("function", name), f"  function {parts}", [], parts
            elif kind == "type":
                yield (("type", name), f"  type {parts}: {{}} bytes, aligned to {{}}",
                       [f"sizeof({name})", f"_Alignof({name})"], parts)
            else:
                whole = f"{kind} {name}"
                yield ((kind, name), f"  {whole}: {{}} bytes, aligned to {{}}",
                       [f"sizeof({whole})", f"_Alignof({whole})"], parts)
                for path, declaration in parts:
                    yield ((whole, path), f"    {{:>4}} {{:>3}}  {declaration}",
                           [f"offsetof({whole}, {path})", f"sizeof((({whole} *)0)->{path})"], declaration)


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


def measure(arch, compiler, include, expressions):
    text = "#include <stddef.h>\n#include <stdint.h>\n"
    text += "".join(f"#include <{name}>\n" for name in list_headers(include))
    text += '__attribute__((section(".layout"), used)) const int64_t layout[] = {\n'
    text += "".join(f"    (int64_t)({one}),\n" for one in expressions) + "};\n"
    with tempfile.TemporaryDirectory() as folder:
        made = os.path.join(folder, "layout.o")
        run_compiler(compiler, include, ["-c", "-o", made], text)
        found = read_section(made, ".layout", arch)
    return list(struct.unpack(f"<{len(expressions)}q", found))


def read_layout(arch, compiler, include):
    """list_facts, with the numbers in place of the expressions."""
    facts = list(list_facts(preprocess(compiler, include)))
    values = measure(arch, compiler, include, [e for fact in facts for e in fact[2]])
    for key, text, expressions, known in facts:
        yield key, text, values[:len(expressions)], known
        del values[:len(expressions)]


def write_layout(arch, compiler, include):
    facts = list(read_layout(arch, compiler, include))
    title = "The plugin ABI: sizes in bytes, then each member's offset and size. Made by make abi-update."
    return "\n".join([title] + [text.format(*numbers) for _, text, numbers, _ in facts]) + "\n"


def main():
    args, include = sys.argv[1:], INCLUDE
    if args[:1] == ["--include"] and len(args) > 1:
        include, args = args[1], args[2:]
    if len(args) < 2 or args[0] not in MACHINE:
        fail("usage: layout.py [--include FOLDER] x86_64|arm64|riscv64 COMPILER...")
    print(write_layout(args[0], args[1:], include), end="")


if __name__ == "__main__":
    main()
