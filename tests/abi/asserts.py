#!/usr/bin/env python3
"""asserts.py [--print] FROZEN PRESENT ARCH COMPILER...: what was true of FROZEN is true of PRESENT.

Both are include folders. From the headers in FROZEN this makes a C file of static assertions, which
then is compiled with the headers in PRESENT; nothing of PRESENT is read but by the compiler, except
to say what is there now. The rules that hold between two versions of one major number:

  - constants (but the version's numbers), interface ids, types and macros' parameters stay
  - every member stays where it is, with its size and its type (of a function: its prototype)
  - a struct that begins with struct_size, and a row whose array carries a stride, may grow at its
    end, and never shrinks; every other struct keeps its size
  - functions of lib/ keep their prototypes, and its structs their members, which may move: they are
    compiled into the plugin

Each line that the compiler objects to is one finding: what was, what is. --print shows the C file.
"""

import re
import sys

from layout import call_compiler, list_headers, read_layout

VERSION = ("BP_ABI_MAJOR", "BP_ABI_MINOR")


def abstract(declaration, name):
    """The type of a declaration: without the name that it declares."""
    return re.sub(rf"\b{name}\b", "", declaration, count=1)


def list_rows(facts):
    """Structs of which arrays are handed over together with a stride."""
    members = {}
    for key, _, _, known in facts:
        if key[0].startswith("struct "):
            members.setdefault(key[0], []).append((key[1], known))
    rows = set()
    for found in members.values():
        if any(name.endswith("stride") for name, _ in found):
            rows |= {m[1] for _, text in found if (m := re.match(r"(?:const )?(struct \w+) \*\w+$", text))}
    return rows | {whole for whole, found in members.items() if found[0][0] == "struct_size"}


def same_type(expression, wanted):
    return f"__builtin_types_compatible_p(__typeof__({expression}), {wanted})"


def check_of(key, numbers, known, growing, is_lib):
    """One line of C that compiles as long as the fact is true."""
    kind, name = key
    if kind == "string":
        return f'sizeof({name}) == sizeof({known}) && __builtin_strcmp({name}, {known}) == 0'
    if kind == "constant":
        value = numbers[0] if numbers[0] >= 0 else f"({numbers[0]})"
        return f"(int64_t)({name}) == {value} && {same_type(name, f'__typeof__({known})')}"
    if kind == "function":
        return same_type(name, abstract(known, name))
    if kind == "type":
        return f"sizeof({name}) == {numbers[0]} && _Alignof({name}) == {numbers[1]} && " + \
            same_type(f"({name})0", abstract(known, name))
    if kind in ("struct", "union"):
        whole, relation = f"{kind} {name}", ">=" if f"{kind} {name}" in growing else "=="
        if is_lib:
            return f"sizeof({whole}) > 0"
        return f"sizeof({whole}) {relation} {numbers[0]} && _Alignof({whole}) == {numbers[1]}"
    member = f"(({kind} *)0)->{name}"
    typed = same_type(member, abstract(known, name.split(".")[-1]))
    if is_lib:
        return typed
    return f"offsetof({kind}, {name}) == {numbers[0]} && sizeof({member}) == {numbers[1]} && {typed}"


def make_c(facts, present):
    """(lines of C, line number -> fact)"""
    lines = ["#include <stddef.h>", "#include <stdint.h>"]
    lines += [f"#include <{name}>" for name in list_headers(present)]
    growing, where, is_lib = list_rows(facts), {}, False
    for key, _, numbers, known in facts:
        if key[0] == "header":
            is_lib = "/lib/" in key[1]
            lines.append(f"/* {key[1]} */")
        elif key[0] == "macro":
            lines += [f"#ifndef {key[1]}", f"#error {key[1]}", "#endif"]
            where[len(lines) - 1] = key
        else:
            condition = check_of(key, numbers, known, growing, is_lib)
            lines.append(f'_Static_assert({condition}, "{" ".join(key)}");')
            where[len(lines)] = key
    return lines, where


def describe(key, fact):
    if fact is None:
        return "gone"
    _, text, numbers, known = fact
    kind = key[0]
    if kind in ("struct", "union"):
        return f"{numbers[0]} bytes, aligned to {numbers[1]}"
    if " " in kind:
        return f"'{known}', {numbers[1]} bytes at {numbers[0]}"
    if kind == "constant":
        return f"{numbers[0]}, as {known}"
    return re.sub(r"^\s*\w+ ", "", text.format(*numbers))


def title(key):
    if " " in key[0]:
        return f"{key[0]}, member {key[1]}"
    return f"{'constant' if key[0] == 'string' else key[0]} {key[1]}"


def read_present(arch, compiler, present):
    """What is there now, or None and why it cannot be read."""
    try:
        return {fact[0]: fact for fact in read_layout(arch, compiler, present)}, ""
    except SystemExit as problem:
        return None, str(problem)


def compare_macros(facts, now):
    """Parameters of macros, which the compiler cannot be asked for."""
    return {key for key, _, _, known in facts
            if key[0] == "macro" and now is not None and key in now and now[key][3] != known}


def read_frozen(arch, compiler, frozen):
    return [fact for fact in read_layout(arch, compiler, frozen) if fact[0][1] not in VERSION]


def compare(facts, present, arch, compiler):
    """(how many facts, what is no longer true)"""
    lines, where = make_c(facts, present)
    limit = "-ferror-limit=0" if "clang" in compiler[0] else "-fmax-errors=0"
    done = call_compiler(compiler, present, ["-fsyntax-only", "-w", limit], "\n".join(lines) + "\n")
    broken = {int(m) for m in re.findall(r"<stdin>:(\d+):\d+:(?: fatal)? error", done.stderr)}
    now, why = read_present(arch, compiler, present)
    keys = {where[line] for line in broken if line in where} | compare_macros(facts, now)
    said = []
    for fact in facts:
        if fact[0] in keys:
            is_now = describe(fact[0], now.get(fact[0])) if now is not None else "unreadable, see below"
            said.append(f"{title(fact[0])}: was {describe(fact[0], fact)}; is {is_now}")
    if (broken - set(where)) or (done.returncode and not broken):
        said.append(f"the headers do not compile:\n{done.stderr.strip()}")
    return len(where), said + ([] if now is not None else [why])


def main():
    args = sys.argv[1:]
    only_print = args[:1] == ["--print"]
    args = args[only_print:]
    if len(args) < 4:
        sys.exit("usage: asserts.py [--print] FROZEN PRESENT ARCH COMPILER...")
    frozen, present, arch, compiler = args[0], args[1], args[2], args[3:]
    facts = read_frozen(arch, compiler, frozen)
    if only_print:
        print("\n".join(make_c(facts, present)[0]))
        return
    checked, said = compare(facts, present, arch, compiler)
    print("\n".join(said) if said else f"{checked} facts")
    sys.exit(bool(said))


if __name__ == "__main__":
    main()
