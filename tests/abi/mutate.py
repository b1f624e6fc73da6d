#!/usr/bin/env python3
"""mutate.py [TITLE]: bad edits of the SDK's headers, each of which a check must notice.

A copy of sdk/include is edited; the checks that a case names must each refuse it, and say the word that
the case asks for. The copy as it is, and edits that are allowed, must pass. TITLE: only the cases that
have it in theirs, with all that is said. The checks, as tests/abi/run and tests/lint/run make them:

  rules    tests/lint/headers.py       types, thread tags, errors, owners, units
  layout   tests/abi/layout.py         the golden text of sizes, offsets, values and declarations
  asserts  tests/abi/asserts.py        static assertions made from the frozen headers
  entry    tests/abi/entry.py          what the macros leave in a file
  alone    tests/abi/matrix            each header alone in C99 and in C++11, padding that is written down
"""

import concurrent.futures
import difflib
import os
import platform
import re
import shutil
import subprocess
import sys
import tempfile

import asserts
import entry
import layout

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
PRESENT = "sdk/include"
ARCHES = {"x86_64": "x86_64", "aarch64": "arm64", "riscv64": "riscv64"}
ALL = ("rules", "layout", "asserts", "entry", "alone")


def swap(path, old, new):
    """Replaces a text that is there exactly once."""
    return path, old, new


def append(path, struct, text):
    """Adds a member behind the last of a struct."""
    return path, ("end of", struct), text


def bad(title, checks, word, *edits):
    return title, checks.split(), word, edits


DEVICE, HOST, PLUGIN, ABI = "device.h", "host.h", "plugin.h", "abi.h"
MEM, POWER, BLOCK, VIRTIO = "if/mem.h", "if/power.h", "if/block.h", "if/virtio.h"
TAGGED = "\n    /* [any] BP_ERR_STATE at the wrong time, always until destroy. */\n    "

CASES = [
    bad("members change places", "asserts layout", "struct bp_line, member trigger",
        swap(DEVICE, "uint32_t trigger; /* BP_EDGE_RISING or BP_LEVEL_HIGH */\n    uint32_t flags;   /* BP_LINE_* */",
             "uint32_t flags;   /* BP_LINE_* */\n    uint32_t trigger; /* BP_EDGE_RISING or BP_LEVEL_HIGH */")),
    bad("functions change places", "asserts layout", "struct bp_host, member clock_ns",
        swap(HOST, "(*clock_ns)", "(*wall_ns_)"), swap(HOST, "(*wall_ns)(", "(*clock_ns)("),
        swap(HOST, "(*wall_ns_)(", "(*wall_ns)(")),
    bad("u32 becomes u64", "asserts layout", "struct bp_region, member kind: was 'uint32_t kind', 4 bytes",
        swap(DEVICE, "uint32_t kind;            /* BP_MMIO", "uint64_t kind;            /* BP_MMIO")),
    bad("a member becomes signed", "asserts layout", "struct bp_field, member count",
        swap(DEVICE, "uint32_t count;   /* elements", "int32_t count;   /* elements")),
    bad("a member in the middle", "asserts layout", "struct bp_host, member log",
        swap(HOST, "    /* [any] One line, without", TAGGED + "int32_t (*early)(const struct bp_host *host);\n"
             "    /* [any] One line, without")),
    bad("a member is gone", "asserts layout", "struct bp_virtio, member config_changed.*is gone",
        swap(VIRTIO, "    void (*config_changed)(const struct bp_host *host);\n", "")),
    bad("a struct is gone", "asserts layout", "struct bp_apic_eoi_ops.*is gone",
        swap("if/apic.h", "struct bp_apic_eoi_ops {", "struct bp_apic_end_ops {")),
    bad("an array shrinks", "asserts layout", "struct bp_block_info, member serial",
        swap(BLOCK, "char serial[20];", "char serial[16];")),
    bad("a struct shrinks", "asserts layout", "struct bp_net_info: was 20 bytes",
        swap("if/net.h", "    uint8_t pad[2];\n", ""), swap("if/net.h", "uint8_t mac[6];", "uint16_t mac[2];")),
    bad("a struct without struct_size grows", "asserts layout", "struct bp_virtio_used: was 16 bytes",
        append(VIRTIO, "bp_virtio_used", "    uint64_t when_ns;\n")),
    bad("a table within a struct grows", "asserts layout", "struct bp_reg_table: was 16 bytes",
        append(DEVICE, "bp_reg_table", "    uint64_t more;\n")),
    bad("an error gets another number", "asserts layout", "constant BP_ERR_RANGE: was -2",
        swap(ABI, "#define BP_ERR_RANGE       (-2)", "#define BP_ERR_RANGE       (-20)")),
    bad("a flag gets another bit", "asserts layout", "constant BP_CLASS_BACKEND",
        swap(DEVICE, "#define BP_CLASS_BACKEND (1u << 0)", "#define BP_CLASS_BACKEND (1u << 1)")),
    bad("a constant becomes 64 bits wide", "asserts", "constant BP_RESET_WARM",
        swap(DEVICE, "#define BP_RESET_WARM 1u", "#define BP_RESET_WARM UINT64_C(1)")),
    bad("a constant is gone", "asserts layout", "constant BP_LOG_DEBUG.*is gone",
        swap(HOST, "#define BP_LOG_DEBUG 4u\n", "")),
    bad("an interface is renamed", "asserts layout", 'constant BP_MEM_ID: was BP_MEM_ID "bp.mem/1"',
        swap(MEM, '"bp.mem/1"', '"bp.memory/1"')),
    bad("an interface gets another number", "asserts layout", "BP_VIRTIO_ID",
        swap(VIRTIO, '#define BP_VIRTIO_ID        "bp.virtio/1"', '#define BP_VIRTIO_ID        "bp.virtio/2"')),
    bad("a type becomes smaller", "asserts layout", "type bp_handle",
        swap(ABI, "typedef uint64_t bp_handle;", "typedef uint32_t bp_handle;")),
    bad("a callback loses an argument", "asserts layout", "struct bp_class, member reset",
        swap(DEVICE, "void (*reset)(void *dev, uint32_t kind);", "void (*reset)(void *dev);")),
    bad("a callback's argument becomes wider", "asserts layout", "struct bp_class, member on_link",
        swap(DEVICE, "(*on_link)(void *dev, uint32_t link, uint32_t event)",
             "(*on_link)(void *dev, uint32_t link, uint64_t event)")),
    bad("a function returns something else", "asserts layout", "struct bp_power, member request",
        swap(POWER, "    void (*request)", "    int32_t (*request)")),
    bad("a pointer loses its const", "asserts layout", "struct bp_mem, member write",
        swap(MEM, "const void *from, uint64_t size", "void *from, uint64_t size")),
    bad("a function of the library takes its arguments otherwise", "asserts layout", "function bp_regs_init",
        swap("lib/regs.h", "(struct bp_regs *regs, const struct bp_reg *table, uint32_t n_regs)",
             "(struct bp_regs *regs, uint32_t n_regs, const struct bp_reg *table)")),
    bad("a macro wants one more argument", "asserts layout", r"macro BP_TABLE: was BP_TABLE\(array\)",
        swap(DEVICE, "#define BP_TABLE(array) ", "#define BP_TABLE(array, more) ")),
    bad("a macro writes another type", "entry", "properties",
        swap(DEVICE, "    BP_PROP(BP_SIZE, instance, member, name, initial, min, max, doc)",
             "    BP_PROP(BP_U64, instance, member, name, initial, min, max, doc)")),
    bad("a macro counts otherwise", "entry", "fields",
        swap(DEVICE, "(uint32_t)(sizeof(((instance *)0)->member) / (type_))", "(uint32_t)sizeof(((instance *)0)->member)")),
    bad("a macro is off by one", "entry", "BP_HAS sees what is there",
        swap(ABI, "((p)->struct_size >= offsetof", "((p)->struct_size > offsetof")),
    bad("other packing for all", "asserts layout", "aligned to 1",
        swap(ABI, "/* Before 1.0 the major", "#pragma pack(1)\n/* Before 1.0 the major")),
    bad("a packed struct", "asserts layout", "struct bp_net_info: was 20 bytes, aligned to 4",
        swap("if/net.h", "    uint8_t pad[2];\n};", "    uint8_t pad[2];\n} __attribute__((packed));")),
    bad("the exported symbol has another name", "entry", "symbol bp_plugin_2",
        (PLUGIN, re.compile(r"\bbp_plugin_1\b(?=;| =)"), "bp_plugin_2")),
    bad("the exported symbol is hidden", "entry", "hidden", swap(PLUGIN, 'visibility("default")', 'visibility("hidden")')),
    bad("the note is left out when nobody uses it", "entry", "section .note.backplane",
        swap(PLUGIN, "section(BP_NOTE_SECTION), used,", "section(BP_NOTE_SECTION),")),
    bad("the note's section has another name", "entry asserts", "note",
        swap(PLUGIN, '".note.backplane"', '".note.board"')),
    bad("the note has another order", "asserts entry layout", "bp_note|abi_m|section",
        swap(PLUGIN, "    uint32_t abi_major;\n    uint32_t abi_minor;", "    uint32_t abi_minor;\n    uint32_t abi_major;")),
    bad("an id in the note becomes shorter", "asserts entry layout", "BP_ID_MAX|section|bp_note",
        swap(PLUGIN, "#define BP_ID_MAX       64", "#define BP_ID_MAX       48")),
    bad("a version without a frozen copy", "layout", "BP_ABI_MINOR",
        (ABI, re.compile(r"#define BP_ABI_MINOR \d+u"), "#define BP_ABI_MINOR 999u")),
    bad("a header has another one's guard", "layout", "bp_region_if",
        ("if/region.h", re.compile("BACKPLANE_IF_REGION_H"), "BACKPLANE_IF_MEM_H")),
    bad("padding that nobody wrote down", "alone", "padd", append(POWER, "bp_power", "    uint32_t more;\n")),
    bad("bool", "rules", "abi: bp_power.more: bool",
        swap(POWER, "#include <backplane/host.h>", "#include <backplane/host.h>\n#include <stdbool.h>"),
        append(POWER, "bp_power", "    bool more;\n    uint8_t pad2[7];\n")),
    bad("an enum as a member", "rules", "abi: bp_power.more: enum",
        append(POWER, "bp_power", "    enum bp_what more;\n    uint32_t pad2;\n"),
        swap(POWER, "struct bp_power {", "enum bp_what { BP_WHAT };\n\nstruct bp_power {")),
    bad("long", "rules", "abi: bp_power.more: long", append(POWER, "bp_power", "    long more;\n")),
    bad("size_t as an argument", "rules", "abi: bp_power.more: size_t",
        append(POWER, "bp_power", TAGGED + "void (*more)(const struct bp_host *host, size_t n);\n")),
    bad("a callback that takes a long", "rules", "abi: bp_power.more: long",
        append(POWER, "bp_power", "\n    /* [any] Calls fn [dev]. */\n"
               "    void (*more)(const struct bp_host *host, void (*fn)(void *dev, long n));\n")),
    bad("a union", "rules", "abi: .*union", append(POWER, "bp_power", "    union bp_u *more; /* valid for ever */\n")),
    bad("a bit field", "rules", "abi: bp_power.more: a bit field",
        append(POWER, "bp_power", "    uint32_t more : 3;\n    uint32_t pad2;\n")),
    bad("varargs", "rules", "abi: bp_power.more: varargs",
        append(POWER, "bp_power", TAGGED + "void (*more)(const struct bp_host *host, ...);\n")),
    bad("a struct by value", "rules", "abi: bp_power.more: a struct by value",
        append(POWER, "bp_power", TAGGED + "void (*more)(struct bp_line line);\n")),
    bad("a function instead of a table", "rules", "abi: bp_power_off: a function",
        swap(POWER, "struct bp_power {", "/* [any] Off. */\nvoid bp_power_off(void);\n\nstruct bp_power {")),
    bad("struct_size is gone", "rules asserts layout", "struct-size: struct bp_mem|bp_mem",
        swap(MEM, "    uint32_t struct_size;\n    uint32_t pad;\n", "    uint64_t pad;\n")),
    bad("a new struct without struct_size", "rules", "struct-size: struct bp_more",
        swap(POWER, "struct bp_power {", "struct bp_more {\n    uint64_t size;\n};\n\nstruct bp_power {")),
    bad("a thread tag is gone", "rules", "thread: bp_host.log",
        swap(HOST, "/* [any] One line,", "/* One line,")),
    bad("the tag of a callback's calls is gone", "rules", "callback: bp_host.timer_create",
        swap(HOST, "`fn` is called\n     * [dev].", "`fn` is called.")),
    bad("who owns it is gone", "rules", "owner: bp_host.get_interface",
        swap(HOST, ", a const table that lives as long as the\n     * device;", ", a const table;")),
    bad("what ends it is gone", "rules", "owner: bp_host.timer_create",
        swap(HOST, " Freed by the host after destroy.", "")),
    bad("the errors are gone", "rules", "errors: bp_loop.change",
        swap("if/loop.h", " BP_ERR_STALE for a watch that is not this device's.", "")),
    bad("what it returns is gone", "rules", "result: bp_region_if.size",
        swap("if/region.h", "/* [any] The size in bytes as asked for (placement may round it up); 0: no such region. */",
             "/* [any] */")),
    bad("a time without a unit", "rules", "unit: bp_host.timer_arm, deadline",
        (HOST, re.compile("deadline_ns"), "deadline")),
    bad("a legend is gone", "rules", "legend: .*Ownership", swap(ABI, "Ownership:", "Also:")),
    bad("C that came after C99", "alone", "c99",
        swap("lib/pace.h", "    uint32_t burst_bytes;\n    uint32_t pad;", "    struct {\n        uint32_t burst_bytes;\n"
             "        uint32_t pad;\n    };")),
    bad("a word of C++", "alone", r"c\+\+11", swap(MEM, "uint64_t gpa, void *to,", "uint64_t gpa, void *new,")),
    bad("a cast that C++ wants", "alone", r"c\+\+11",
        swap("lib/fifo.h", "static inline void bp_fifo_clear(struct bp_fifo *f)\n{",
             "static inline void bp_fifo_clear(void *v)\n{\n    struct bp_fifo *f = v;")),
    bad("an include is missing", "alone", "if/fdt.h",
        swap("if/fdt.h", "#include <backplane/abi.h>\n", "")),
]

GOOD = [
    ("nothing", ALL, ()),
    ("a function at the end of an interface", ("rules", "asserts", "entry", "alone"),
     (append(HOST, "bp_host", TAGGED + "int32_t (*more)(const struct bp_host *host, uint64_t delay_ns);\n"),)),
    ("a member at the end of a row", ("rules", "asserts", "alone"),
     (append(DEVICE, "bp_region", "    uint32_t extra;\n    uint32_t pad2;\n"),)),
    ("a new interface and a new error", ("rules", "asserts", "entry", "alone"),
     (swap(ABI, "#define BP_ERR_VERSION     (-14)", "#define BP_ERR_TIRED       (-15) /* sleep first */\n"
           "#define BP_ERR_VERSION     (-14)"),
      swap(POWER, "struct bp_power {", '#define BP_NAP_ID "bp.nap/1"\n\nstruct bp_nap {\n    uint32_t struct_size;\n'
           "    uint32_t pad;" + TAGGED + "int32_t (*nap)(const struct bp_host *host, uint64_t time_ns);\n};\n\n"
           "struct bp_power {"))),
    ("other comments", ALL, (swap(HOST, "/* [any] One line,", "/* [any] One single line,"),)),
]


def read(path):
    with open(path, encoding="utf-8") as file:
        return file.read()


def edit(folder, path, old, new):
    whole = os.path.join(folder, "backplane", path)
    text = read(whole)
    if isinstance(old, tuple):
        begin = text.index(f"struct {old[1]} {{")
        at = text.index("\n};", begin) + 1
        text = text[:at] + new + text[at:]
    elif isinstance(old, re.Pattern):
        if not old.search(text):
            raise ValueError(f"{path} has no {old.pattern}: this case no longer fits")
        text = old.sub(new, text)
    else:
        if text.count(old) != 1:
            raise ValueError(f"{path} has {text.count(old)} times '{old}': this case no longer fits")
        text = text.replace(old, new)
    with open(whole, "w", encoding="utf-8") as file:
        file.write(text)


class Checks:
    def __init__(self):
        arch = ARCHES.get(platform.machine())
        if arch is None or shutil.which("gcc") is None:
            print("SKIP bad edits: they want gcc on one of our architectures\n0 passed, 0 failed, 1 skipped")
            sys.exit()
        self.compiler = [arch, "gcc"]
        self.facts = asserts.read_frozen(arch, ["gcc"], self.frozen(PRESENT))

    def frozen(self, folder):
        text = read(os.path.join(folder, "backplane", "abi.h"))
        major, minor = (re.search(rf"BP_ABI_{n} (\d+)u", text)[1] for n in ("MAJOR", "MINOR"))
        return os.path.join("tests/abi/frozen", f"{major}.{minor}")

    def call(self, *command, **more):
        env = {**os.environ, "LC_ALL": "C", **more}
        done = subprocess.run(command, env=env, capture_output=True, text=True, check=False)
        return done.returncode, done.stdout + done.stderr

    def golden(self, write, name, folder):
        try:
            text = write(self.compiler[0], self.compiler[1:], folder)
        except SystemExit as problem:
            return str(problem)
        path = os.path.join(self.frozen(folder), name)
        if not os.path.exists(path):
            return f"there is no {path}, for BP_ABI_MINOR is another"
        return "\n".join(difflib.unified_diff(read(path).splitlines(), text.splitlines(), n=40))

    def rules(self, folder):
        status, text = self.call("python3", "tests/lint/headers.py", folder)
        return text or ("headers.py fails" if status else "")

    def layout(self, folder):
        return self.golden(layout.write_layout, "layout.txt", folder)

    def entry(self, folder):
        return self.golden(entry.write_entry, "entry.txt", folder)

    def asserts(self, folder):
        return "\n".join(asserts.compare(self.facts, folder, self.compiler[0], self.compiler[1:])[1])

    def alone(self, folder):
        status, text = self.call("tests/abi/matrix", folder, BP_MATRIX=r"^gcc (c99|c\+\+11|padded)")
        return text if status else ""


def try_case(checks, title, names, word, edits, is_good):
    """(whether it went as it should, line for the report, everything that was said)"""
    with tempfile.TemporaryDirectory() as folder:
        shutil.copytree(os.path.join(PRESENT, "backplane"), os.path.join(folder, "backplane"))
        try:
            for one in edits:
                edit(folder, *one)
        except ValueError as problem:
            return False, f"FAIL {title}: {problem}", ""
        said = {name: getattr(checks, name)(folder) for name in names}
    everything = "\n".join(f"--- {name}\n{text}" for name, text in said.items())
    if is_good:
        wrong = [name for name, text in said.items() if text]
        return not wrong, f"{'FAIL' if wrong else 'PASS'} allowed: {title}" + \
            (f": {' '.join(wrong)} refuses it\n{everything}" if wrong else ""), everything
    blind = [name for name, text in said.items() if not text]
    if blind:
        return False, f"FAIL {title}: {' '.join(blind)} does not see it", everything
    if not any(re.search(word, text) for text in said.values()):
        return False, f"FAIL {title}: nobody says '{word}'\n{everything}", everything
    return True, f"PASS {title}: {' '.join(names)}", everything


def main():
    wanted = sys.argv[1] if len(sys.argv) > 1 else ""
    os.chdir(ROOT)
    checks, failed, passed = Checks(), 0, 0
    jobs = [(title, names, "", edits, True) for title, names, edits in GOOD]
    jobs += [(*case, False) for case in CASES]
    jobs = [job for job in jobs if wanted in job[0]]
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count() or 1) as pool:
        for is_right, line, everything in pool.map(lambda job: try_case(checks, *job), jobs):
            print(line)
            if wanted:
                print(everything)
            passed += is_right
            failed += not is_right
    print(f"{passed} passed, {failed} failed, 0 skipped")
    sys.exit(failed != 0 or passed == 0)


main()
