#!/usr/bin/env python3
"""messages.py BUILD_DIR: what the program says of each plugin that it cannot take, to the letter.

Each case is a plugin of the museum with something wrong in it. `plugin info` says the sentence, and
must end with status 1; tests/abi/messages.txt has all of them. BP_ACCEPT=1 writes that file anew: then
read the diff. Ends with "N passed, N failed, N skipped".
"""

import glob
import os
import platform
import re
import shutil
import struct
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
GOLDEN = os.path.join(HERE, "messages.txt")
ID = "org.example.museum.box"
ARCHES = {"x86_64": "x86_64", "aarch64": "arm64", "riscv64": "riscv64"}
NOTE_MAJOR, NOTE_MINOR, NOTE_FLAGS, NOTE_ID, NOTE_VERSION = 24, 28, 32, 36, 100
CLASS_SIZE, CLASS_FLAGS = 0, 4

MACHINE = f"""[machine]
arch = riscv64
memory = 2M
[device box]
plugin = {ID}
mmio.regs = 0x10100000
"""


class Elf:
    """A plugin's bytes, and where things are in them."""

    def __init__(self, path):
        with open(path, "rb") as file:
            self.bytes = bytearray(file.read())
        self.table, = struct.unpack_from("<Q", self.bytes, 40)
        size, count, strings = struct.unpack_from("<HHH", self.bytes, 58)
        self.rows = [struct.unpack_from("<IIQQQQIIQQ", self.bytes, self.table + i * size) for i in range(count)]
        self.names = self.rows[strings][4]
        self.section = {self.text(self.names + row[0]): row for row in self.rows}
        self.rela = {}
        row = self.section[".rela.dyn"]
        for at in range(row[4], row[4] + row[5], 24):
            where, _, addend = struct.unpack_from("<QQq", self.bytes, at)
            self.rela[where] = addend
        self.note = self.section[".note.backplane"][4]
        row = self.section[".dynsym"]
        for at in range(row[4] + 24, row[4] + row[5], 24):
            name, info, _, index, value, _ = struct.unpack_from("<IBBHQQ", self.bytes, at)
            if index and info >> 4 and self.text(self.section[".dynstr"][4] + name).startswith("bp_plugin_"):
                self.symbol_name = self.section[".dynstr"][4] + name
                self.entry = value
        self.klass = self.rela[self.rela[self.entry + 8]]

    def text(self, at):
        return self.bytes[at:self.bytes.index(b"\0", at)].decode()

    def at(self, address):
        """The place in the file of an address."""
        for row in self.rows:
            if row[3] and row[3] <= address < row[3] + row[5]:
                return address - row[3] + row[4]
        raise ValueError(hex(address))

    def put(self, where, form, *values):
        struct.pack_into("<" + form, self.bytes, where, *values)

    def put_text(self, where, text, size):
        self.bytes[where:where + size] = text.encode().ljust(size, b"\0")

    def replace(self, old, new):
        assert len(old) == len(new) and self.bytes.count(old) == 1, old
        at = self.bytes.index(old)
        self.bytes[at:at + len(old)] = new


def entry(offset, form, value):
    return lambda e: e.put(e.at(e.entry) + offset, form, value)


def klass(offset, form, value):
    return lambda e: e.put(e.at(e.klass) + offset, form, value)


def note(offset, form, value):
    return lambda e: e.put(e.note + offset, form, value)


def note_text(offset, text, size):
    return lambda e: e.put_text(e.note + offset, text, size)


def shift_minor(by):
    def change(e):
        minor, = struct.unpack_from("<I", e.bytes, e.note + NOTE_MINOR)
        e.put(e.note + NOTE_MINOR, "I", (minor + by) & 0xffffffff)
    return change


def whole(data):
    def change(e):
        e.bytes = bytearray(data)
    return change


def cut(size):
    def change(e):
        del e.bytes[size(e) if callable(size) else size:]
    return change


CASES = [
    ("the next minor version of the ABI", shift_minor(1)),
    ("the minor version before", shift_minor(-1)),
    ("the next major version", note(NOTE_MAJOR, "I", 1)),
    ("a major version of far away", note(NOTE_MAJOR, "I", 0xffffffff)),
    ("a 32-bit file", lambda e: e.put(4, "B", 1)),
    ("a big-endian file", lambda e: e.put(5, "B", 2)),
    ("a processor that nobody knows", lambda e: e.put(18, "H", 0x7777)),
    ("an i386 plugin's machine number", lambda e: e.put(18, "H", 3)),
    ("an arm plugin's machine number", lambda e: e.put(18, "H", 40)),
    ("an executable", lambda e: e.put(16, "H", 2)),
    ("an empty file", whole(b"")),
    ("a text", whole(b"BP_PLUGIN\n")),
    ("the file's first half", cut(lambda e: len(e.bytes) // 2)),
    ("no section table", lambda e: e.put(60, "H", 0)),
    ("no note", lambda e: e.replace(b".note.backplane", b".note.blackplan")),
    ("a note that lies behind the end", lambda e: e.put(e.table + 64 * e.rows.index(
        e.section[".note.backplane"]) + 24, "Q", 1 << 40)),
    ("a note that is too short", lambda e: e.put(e.table + 64 * e.rows.index(
        e.section[".note.backplane"]) + 32, "Q", 20)),
    ("a note with another owner", note_text(12, "Blackplane", 12)),
    ("a note of another type", note(8, "I", 2)),
    ("a note with a small description", note(4, "I", 12)),
    ("a note without an id", note_text(NOTE_ID, "", 64)),
    ("a note with an id that never ends", note_text(NOTE_ID, "x" * 64, 64)),
    ("a note with an id in capitals", note_text(NOTE_ID, "Box", 64)),
    ("a note without a version", note_text(NOTE_VERSION, "", 32)),
    ("a note with another version than the class", note_text(NOTE_VERSION, "1.1", 32)),
    ("a note that says backend of a device", note(NOTE_FLAGS, "I", 1)),
    ("a class with another id than the note", lambda e: e.put_text(
        e.at(e.rela[e.klass + 8]), ID.replace("box", "bax"), len(ID))),
    ("no symbol", lambda e: e.put_text(e.symbol_name, "bp_plugin_9", 11)),
    ("a symbol of another version than the note", entry(4, "I", 7 << 16)),
    ("an entry that is too small", entry(0, "I", 8)),
    ("an entry without a class", entry(16, "I", 0)),
    ("an entry with two classes", entry(16, "I", 2)),
    ("a class table that is too small", klass(CLASS_SIZE, "I", 64)),
    ("a class table with a flag of the future", klass(CLASS_FLAGS, "I", 0x80)),
    ("an interface that no host has", lambda e: e.replace(b"bp.mem/1", b"bp.mex/1")),
]


def run(program, args):
    return subprocess.run([program, *args], capture_output=True, text=True, check=False, timeout=60,
                          stdin=subprocess.DEVNULL, env={**os.environ, "LC_ALL": "C", "COLUMNS": "1000"})


class Runner:
    def __init__(self, build, work):
        self.program, self.work, self.build = os.path.join(build, "backplane"), work, build
        self.own = ARCHES.get(platform.machine())
        self.said, self.failed = [], 0

    def normalise(self, text, other):
        text = text.replace(self.work + "/", "")
        text = re.sub(r"(made for plugin ABI )\d+\.\d+", r"\1THEIRS", text)
        text = re.sub(r"(this backplane has )\d+\.\d+", r"\1OURS", text)
        text = re.sub(rf"\b{self.own}\b", "OWN", text)
        return re.sub(rf"\b{other}\b", "OTHER", text) if other else text

    def say(self, title, data, other=None, name=ID):
        folder = os.path.join(self.work, "p")
        shutil.rmtree(folder, ignore_errors=True)
        os.mkdir(folder, 0o755)
        path = os.path.join(folder, name + ".so")
        with open(path, "wb") as file:
            file.write(data)
        os.chmod(path, 0o644)
        done = run(self.program, ["plugin", "info", name, "--plugin-dir", folder])
        if done.returncode == 0:  # loads well: a machine says what it lacks
            machine = os.path.join(self.work, "m.ini")
            with open(machine, "w", encoding="utf-8") as file:
                file.write(MACHINE)
            done = run(self.program, ["check", machine, "--plugin-dir", folder])
        text = self.normalise(done.stderr.strip(), other)
        if done.returncode != 1 or not text:
            self.failed += 1
            print(f"FAIL {title}: status {done.returncode}, said: {text or 'nothing'}")
        listed = run(self.program, ["plugin", "list", "--plugin-dir", folder])
        if listed.returncode != 0:
            self.failed += 1
            print(f"FAIL {title}: plugin list ends with {listed.returncode}: {listed.stderr}")
        entry_ = (f"{title}\n", "".join(f"    {line}\n" for line in text.splitlines()))
        if entry_ not in self.said:
            self.said.append(entry_)

    def run_cases(self):
        museum = sorted(glob.glob(os.path.join(HERE, "museum", "[0-9]*.[0-9]*")), key=lambda p: [
            int(n) for n in os.path.basename(p).split(".")])[-1]
        for title, change in CASES:
            elf = Elf(os.path.join(museum, self.own, "box.so"))
            before = bytes(elf.bytes)
            change(elf)
            assert bytes(elf.bytes) != before, title
            self.say(title, bytes(elf.bytes))
        for arch in ARCHES.values():
            if arch != self.own:
                with open(os.path.join(museum, arch, "box.so"), "rb") as file:
                    self.say("a plugin for another architecture", file.read(), arch)
        missing = os.path.join(self.build, "tests/unit/plugins/unlinked.so")
        if os.path.exists(missing):
            with open(missing, "rb") as file:
                self.say("a function that nobody has", file.read(), name="unlinked")


def compare(said, has_all):
    """(passed, failed)"""
    text = "\n".join(title + body for title, body in said)
    if os.environ.get("BP_ACCEPT") and has_all:
        with open(GOLDEN, "w", encoding="utf-8") as file:
            file.write(text)
    with open(GOLDEN, encoding="utf-8") as file:
        wanted = dict(part.split("\n", 1) for part in file.read().split("\n\n"))
    found = {title.strip(): body.rstrip("\n") for title, body in said}
    wanted = {title: body.rstrip("\n") for title, body in wanted.items()}
    failed = 0
    for title, body in found.items():
        if wanted.get(title) != body:
            failed += 1
            print(f"FAIL {title}\n  it says\n{body}\n  messages.txt has\n{wanted.get(title, '    nothing')}")
    if has_all:
        for title in set(wanted) - set(found):
            failed += 1
            print(f"FAIL {title}: in messages.txt, and no case any more")
    return len(found) - failed, failed


def main():
    if len(sys.argv) != 2:
        sys.exit("usage: messages.py BUILD_DIR")
    with tempfile.TemporaryDirectory() as work:
        os.chmod(work, 0o755)
        runner = Runner(sys.argv[1], work)
        if runner.own is None:
            print("SKIP the museum has no plugins for this architecture")
            print("0 passed, 0 failed, 1 skipped")
            return
        runner.run_cases()
    has_all = any("nobody has" in title for title, _ in runner.said)
    passed, failed = compare(runner.said, has_all)
    if not has_all:
        print("SKIP a function that nobody has: 'make tests' builds that plugin")
    print(f"{passed} passed, {failed + runner.failed} failed, {0 if has_all else 1} skipped")
    sys.exit(failed + runner.failed != 0)


main()
