"""The pages of the manual: well formed, readable, and in agreement with the program."""
import re
import subprocess

from common import (PAGES, PROGRAM, STRANGE, TOP, WORK, backplane, candidates, ids, info, need,
                    strange_dir)

HEADERS = sorted((TOP / "sdk/include/backplane").rglob("*.h"))


def all_pages():
    made = []
    for plugin in ids():
        page = WORK / ("backplane-%s.7" % plugin)
        page.write_text(backplane("plugin", "info", plugin, "--man"))
        made.append(page)
    return PAGES + made


def quiet(*command, **more):
    done = subprocess.run(command, capture_output=True, text=True, **more)
    assert done.returncode == 0 and not done.stderr.strip(), done.stderr.strip() or command


def rendered(page):
    """As a terminal of 80 columns shows it, without bold and underline."""
    need("man")
    done = subprocess.run(["man", "-E", "utf8", "-l", str(page)], capture_output=True, text=True,
                          env={"PATH": "/usr/bin:/bin", "MANWIDTH": "80", "LC_ALL": "C.UTF-8",
                               "MAN_KEEP_FORMATTING": "", "GROFF_NO_SGR": "1"})
    assert done.returncode == 0, done.stderr
    return re.sub(".\b", "", done.stdout)


def plain(roff):
    """A line of a page without fonts and escapes."""
    text = re.sub(r"\\f[BIRP]", "", roff)
    for escape, char in (("\\-", "-"), ("\\(dq", '"'), ("\\(aq", "'"), ("\\(ha", "^"),
                         ("\\(ti", "~"), ("\\(ga", "`"), ("\\&", ""), ("\\e", "\\")):
        text = text.replace(escape, char)
    return text


def macro_text(line):
    """What a line such as .BI "kernel = " FILE shows."""
    words = re.findall(r'"([^"]*)"|(\S+)', line)[1:]
    joint = " " if line.split()[0] in (".B", ".I", ".SS", ".SH") else ""
    return plain(joint.join(a or b for a, b in words))


def sections(page, macro):
    """(title, lines) of each .SH or .SS."""
    found = []
    for line in page.read_text().splitlines():
        if line.split(" ")[0] in (".SH", ".SS"):
            found.append((macro_text(line), []) if line.startswith(macro) else (None, []))
        elif found:
            found[-1][1].append(line)
    return [(title, lines) for title, lines in found if title]


def tags(lines):
    """What stands before the entries of lists: the line behind .TP or .TQ."""
    return [macro_text(lines[i + 1]) for i, line in enumerate(lines) if line in (".TP", ".TQ")]


def groff_has_nothing_to_say_about_any_page():
    need("groff")
    for page in all_pages():
        quiet("groff", "-man", "-ww", "-z", "-Kutf8", str(page))


def man_has_no_warnings_about_any_page():
    need("man")
    for page in all_pages():
        quiet("man", "--warnings", "-E", "utf8", "-l", str(page))


def mandoc_has_nothing_to_say_about_any_page():
    need("mandoc")
    for page in all_pages():
        done = subprocess.run(["mandoc", "-T", "lint", str(page)], capture_output=True, text=True)
        assert done.returncode == 0 and not done.stdout + done.stderr, done.stdout + done.stderr


def pages_fit_80_columns_and_nothing_is_lost():
    for page in all_pages():
        text = rendered(page)
        wide = [line for line in text.splitlines() if len(line) > 80]
        assert not wide, "%s: %s" % (page.name, wide)
        for heading in ("NAME", "DESCRIPTION", "SEE ALSO"):
            assert re.search("^%s$" % heading, text, re.MULTILINE), (page.name, heading)
        assert "\\" not in text.replace("\\\n", "") or page.name == "backplane-machine.5", page.name


def a_page_with_a_mistake_would_have_been_found():
    need("mandoc")
    page = WORK / "wrong.7"
    page.write_text(PAGES[0].read_text().replace(".SH NAME", ".SH NAME\n.SHH x\n.TP", 1))
    done = subprocess.run(["mandoc", "-T", "lint", str(page)], capture_output=True, text=True)
    assert "SHH" in done.stdout, done.stdout


def pages_are_of_this_version():
    version = backplane("version").split()[1]
    date = re.search(r"^\.TH \S+ 7 (\S+)", backplane("plugin", "info", ids()[0], "--man"),
                     re.MULTILINE).group(1)
    for page in PAGES:
        head = re.search(r'^\.TH (\S+) (\d) (\S+) "Backplane (\S+)"', page.read_text(), re.MULTILINE)
        assert head, "%s: no .TH line as others have it" % page.name
        assert plain(head.group(1)).lower() == page.stem and head.group(2) == page.suffix[1:], page
        assert head.group(3) == date and head.group(4) == version, (page.name, head.groups())


def pages_refer_to_pages_that_there_are():
    known = {"backplane-%s(7)" % plugin for plugin in ids()} | {
        "%s(%s)" % (page.stem, page.suffix[1:]) for page in PAGES} | {"backplane-ID(7)"}
    for page in all_pages():
        named = set(re.findall(r"backplane[a-zA-Z0-9.-]*\(\d\)", re.sub(r"\s+", " ", rendered(page))))
        assert named <= known, "%s: %s" % (page.name, named - known)
        assert len(named) > 1, page.name


# --- backplane(1) ------------------------------------------------------------------------------
def options_in_page():
    """{command: options with their values' names}, and those of all machine commands."""
    found, common = {}, set()
    for title, lines in sections(TOP / "docs/man/backplane.1", ".SS"):
        names = {tag for tag in tags(lines) if tag.startswith("--")}
        if title.startswith("Options of"):
            common = names
        elif title.startswith("backplane "):
            found.setdefault(title.split()[1], set()).update(names)
    return found, common


def every_option_of_every_command_stands_in_backplane_1_and_no_other():
    found, common = options_in_page()
    commands = set(candidates("")[0])
    assert set(found) == commands | {"complete"}, set(found) ^ (commands | {"complete"})
    for command in sorted(commands):
        there = set(re.findall(r"^  (--[a-z0-9-]+(?: [A-Z]\S*)?)", backplane("help", command),
                               re.MULTILINE)) - {"--help"}
        said = found[command] | (common if common <= there else set())
        assert there == said, "%s: the page and the program differ in %s" % (command, there ^ said)


def backplane_1_names_no_option_that_is_not_there():
    known = {"--help", "--log", "--version", "--"}
    for command in candidates("")[0]:
        known |= set(candidates(command, "--")[0])
    for page in PAGES:
        named = set(re.findall(r"(?<![\w-])--[a-z][a-z0-9-]*", plain(page.read_text())))
        named -= {"--cflags", "--libs", "--modversion"}  # of pkg-config
        assert named <= known, "%s: %s" % (page.name, named - known)


def exit_statuses_and_variables_of_help_stand_in_backplane_1():
    page = plain((TOP / "docs/man/backplane.1").read_text())
    overview = backplane("help")
    for status in re.findall(r"^  (\d+) ", overview.split("exit status:")[1], re.MULTILINE):
        assert re.search(r"^\.B %s$" % status, page, re.MULTILINE), status
    for name in re.findall(r"^  ([A-Z_]{4,}) ", overview, re.MULTILINE):
        assert name in page, name


# --- backplane-machine(5) ----------------------------------------------------------------------
def keys_of_source(file, name):
    text = (TOP / "vmm/machine" / file).read_text()
    return set(re.findall(r'"([^"]+)"', re.search(name + r"[^{]*\{([^}]*)\}", text).group(1)))


def keys_of_page():
    """{"machine": keys, "boot": keys, "device": keys}"""
    found = {}
    for title, lines in sections(TOP / "docs/man/backplane-machine.5", ".SH"):
        name = re.search(r"\[(\w+)", title)
        if name:
            found[name.group(1)] = {tag.split(" = ")[0] for tag in tags(lines) if " = " in tag}
    return found


def every_key_stands_in_backplane_machine_5_and_no_other():
    found = keys_of_page()
    core = keys_of_source("keys.c", r"struct known known = \{\.words =")
    for section, there in (("machine", keys_of_source("head.c", "head_keys")),
                           ("boot", keys_of_source("boot.c", "boot_keys")),
                           ("device", core | {"mmio.REGION", "port.REGION", "irq.LINE"})):
        assert found[section] == there, "[%s]: the page and the program differ in %s" % (
            section, found[section] ^ there)
    kinds = re.search(r"enum doc_kind \{([^}]*)\}", (TOP / "vmm/machine/doc.h").read_text()).group(1)
    there = {word.strip().lower()[4:] for word in kinds.split(",")}
    said = set(re.findall(r"\[(\w+)", "".join(
        title for title, _ in sections(TOP / "docs/man/backplane-machine.5", ".SH"))))
    assert said == there, said ^ there


def every_key_of_backplane_machine_5_is_one_for_the_program():
    """A wrong value may be refused, an unknown key never is what is wrong with it."""
    for section in ("machine", "boot"):
        for key in sorted(keys_of_page()[section]) + ["bogus"]:
            file = WORK / "key.ini"
            head = "" if (section, key) == ("machine", "arch") else "arch = riscv64\n"
            body = "[machine]\n" + head if section == "machine" else "[machine]\n" + head + "[boot]\n"
            file.write_text(body + "%s = riscv64\n" % key)
            done = subprocess.run([str(PROGRAM), "check", str(file)], capture_output=True,
                                  text=True)
            assert ("no such key" in done.stderr) == (key == "bogus"), (section, key, done.stderr)


def examples_of_backplane_machine_5_are_right():
    text = (TOP / "docs/man/backplane-machine.5").read_text()
    blocks = [plain(b) for b in re.findall(r"^\.nf\n(.*?)^\.fi$", text, re.MULTILINE | re.DOTALL)]
    whole = [block for block in blocks if "[machine]" in block]
    parts = [block for block in blocks if "[" in block and "[machine]" not in block and
             "plugin" in block]
    assert len(whole) >= 1 and len(parts) >= 2
    for block in whole + ["[machine]\narch = riscv64 arm64\n" + part for part in parts]:
        file = WORK / "example.ini"
        file.write_text(block)
        backplane("check", file)


# --- backplane-plugin(7) -----------------------------------------------------------------------
def every_interface_of_the_headers_stands_in_backplane_plugin_7_and_no_other():
    there = set()
    for header in HEADERS:
        there |= set(re.findall(r'_ID\s+"(bp\.[a-z.-]+/\d+)"', header.read_text()))
    said = set()
    for title, lines in sections(TOP / "docs/man/backplane-plugin.7", ".SH"):
        if title == "INTERFACES":
            said = {word for tag in tags(lines) for word in re.findall(r"bp\.[a-z.-]+/\d+", tag)}
    assert there == said, there ^ said


def every_name_in_backplane_plugin_7_is_in_the_headers():
    text = "\n".join(header.read_text() for header in HEADERS)
    page = plain((TOP / "docs/man/backplane-plugin.7").read_text())
    for name in set(re.findall(r"\b(?:BP|bp)_[A-Za-z0-9_]+", page)):
        assert re.search(r"\b%s\b" % name, text), name
    members = set(re.findall(r"\(\*(\w+)\)\(", text.split("struct bp_class {")[1]))
    for title, lines in sections(TOP / "docs/man/backplane-plugin.7", ".SH"):
        if title == "LIFE CYCLE":
            said = {word for tag in tags(lines) for word in re.findall(r"\w+", tag)}
            missing = {"create", "plan", "realize", "reset", "destroy", "read", "write"} - said
            assert said <= members and not missing, (said - members, missing)


# --- backplane-ID(7) ---------------------------------------------------------------------------
def plugins_pages_have_all_that_is_in_their_tables():
    for plugin in ids():
        page = re.sub(r"\s+", " ", rendered(WORK / ("backplane-%s.7" % plugin)))
        about = info(plugin)
        wanted = ["backplane-%s - %s" % (plugin, about["summary"])]
        for kind in ("regions", "lines", "links", "properties"):
            for row in about[kind]:
                wanted += [row["name"]] + ([row["doc"]] if row.get("doc") else [])
                wanted += [register["name"] for register in row.get("registers", [])]
        for row in about["properties"]:
            wanted += [str(row[limit]) for limit in ("min", "max")
                       if row["type"] == "u32" and limit in row]
        for text in wanted:
            assert re.sub(r"\s+", " ", text) in page, "%s: %s" % (plugin, text)
        assert str(WORK.parent) not in page and ".so" not in page, "a path of this machine"


def a_page_of_strange_texts_is_right_too():
    """Texts of a plugin that mean something to roff stand on its page as they are."""
    page = WORK / "strange.7"
    page.write_text(backplane("plugin", "info", STRANGE, "--man", "--plugin-dir", strange_dir()))
    for command in (["groff", "-man", "-ww", "-z", str(page)],
                    ["man", "--warnings", "-E", "utf8", "-l", str(page)]):
        need(command[0])
        quiet(*command)
    text = re.sub(r"\s+", " ", rendered(page))
    for wanted in (".TH \\fBstrange\\fR 'texts' \"here\" \u20ac", ".so /etc/passwd .TH \\fBtwo\\fR lines 'br",
                   "\\n(xx \\ `a' ^ ~ ?[31mred?", "text, 2-40 bytes", "\u00c9t\u00e9 \u20ac ? end."):
        assert wanted in text, (wanted, text)


TESTS = [
    groff_has_nothing_to_say_about_any_page,
    man_has_no_warnings_about_any_page,
    mandoc_has_nothing_to_say_about_any_page,
    pages_fit_80_columns_and_nothing_is_lost,
    a_page_with_a_mistake_would_have_been_found,
    pages_are_of_this_version,
    pages_refer_to_pages_that_there_are,
    every_option_of_every_command_stands_in_backplane_1_and_no_other,
    backplane_1_names_no_option_that_is_not_there,
    exit_statuses_and_variables_of_help_stand_in_backplane_1,
    every_key_stands_in_backplane_machine_5_and_no_other,
    every_key_of_backplane_machine_5_is_one_for_the_program,
    examples_of_backplane_machine_5_are_right,
    every_interface_of_the_headers_stands_in_backplane_plugin_7_and_no_other,
    every_name_in_backplane_plugin_7_is_in_the_headers,
    plugins_pages_have_all_that_is_in_their_tables,
    a_page_of_strange_texts_is_right_too,
]
