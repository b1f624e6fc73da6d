"""Completion: what the program says could follow, and what real shells on a terminal make of it."""
import os
import pty
import random
import re
import select
import shutil
import subprocess
import time

from common import (ARCHS, BUILD, PROGRAM, STRANGE, TOP, WORK, Skip, backplane, candidates, ids,
                    strange_dir, strange_is_built)

SCRIPTS = TOP / "vmm/cli/completion"
SECONDS = 60


# --- the program -------------------------------------------------------------------------------
def all_commands_are_offered_with_their_summaries():
    said = backplane("complete", "")
    overview = re.sub(r"\s+", " ", backplane("help"))
    for line in said.splitlines():
        name, about = line.split("\t")
        assert " %s %s" % (name, about) in overview, line
    assert candidates("he")[0] == ["help"] and candidates("help", "ver")[0] == ["version"]
    assert set(candidates("--")[0]) == {"--log", "--help", "--version"}
    assert "debug" in candidates("--log", "d")[0] and "run" in candidates("--log=info", "r")[0]


def options_are_those_of_help_each_offered_once():
    for command in candidates("")[0]:
        help_ = set(re.findall(r"^  (--[a-z0-9-]+)", backplane("help", command), re.MULTILINE))
        assert set(candidates(command, "--")[0]) == help_, command
    assert "--kernel" not in candidates("run", "virt", "--kernel", "Image", "--")[0]
    assert "--set" in candidates("run", "virt", "--set", "disk=x", "--")[0]
    assert "--json" in candidates("plugin", "list", "--j")[0]
    assert "--schema" in candidates("plugin", "info", "--")[0]
    assert "--schema" not in candidates("plugin", "list", "--")[0]


def machines_plugins_and_architectures_are_known():
    words, files = candidates("run", "")
    assert words == ["minimal", "pc", "virt"] and files == [":.ini "], (words, files)
    assert candidates("describe", "v") == (["virt"], [":.ini "])
    assert candidates("plugin", "info", "")[0] == ids()
    if strange_is_built():
        assert STRANGE in candidates("plugin", "info", "--plugin-dir", strange_dir(), "org.")[0]
    for command in ("run", "check", "describe"):
        assert candidates(command, "virt", "--arch", "")[0] == list(ARCHS), command
    assert candidates("run", "--arch=r")[0] == ["--arch=riscv64"]
    assert candidates("run", "virt", "--kernel", "") == ([], [":file "])
    assert candidates("run", "virt", "--kernel=Im") == ([], [":file --kernel="])
    assert candidates("plugin", "check", "") == (ids(), [":.so "])
    assert candidates("plugin", "new", "") == ([], [])
    assert candidates("plugin", "list", "--plugin-dir", "") == ([], [":directory "])


def keys_for_set_are_those_of_the_machine_that_is_named():
    wanted = ["%s=" % name for name in ("disk", "readonly", "io", "net", "hostfwd")]
    for command in ("run", "check", "describe"):
        assert candidates(command, "virt", "--set", "")[0] == wanted, command
    assert candidates("run", "--set", "", )[0] == []
    assert candidates("run", "minimal", "--set", "")[0] == []
    assert candidates("run", "virt", "--set=h")[0] == ["--set=hostfwd="]
    file = WORK / "own.ini"
    file.write_text("include = virt\n[boot]\nkernel = ${kernel:-}\n[device b]\nplugin = uart16550\n"
                    "if = ${second:-no}\nchar = ${where:-null}\nreg-shift = ${shift:-0}\n")
    assert set(candidates("run", file, "--set", "")[0]) == set(wanted) | {
        "kernel=", "second=", "where=", "shift="}
    assert candidates("run", file, "--set", "kernel=") == ([], [":file kernel="])


def values_for_set_follow_from_the_plugins_properties():
    assert candidates("run", "virt", "--set", "readonly=")[0] == ["readonly=yes", "readonly=no"]
    assert candidates("run", "virt", "--set", "io=t")[0] == ["io=threads"]
    assert candidates("run", "virt", "--set=net=")[0] == ["--set=net=user"]
    assert candidates("run", "virt", "--set", "disk=ro") == ([], [":file disk="])
    assert candidates("run", "virt", "--set", "hostfwd=") == ([], [])


# What is not a choice among words that the program knows.
FREE = {"append", "memory", "cpus", "trace", "who", "seed"}


def every_option_with_a_value_completes_and_its_words_are_accepted():
    for command in candidates("")[0]:
        for name, value in re.findall(r"^  --([a-z-]+) ([A-Z]\S*)", backplane("help", command),
                                      re.MULTILINE):
            before = ["check", "block-file"] if command == "plugin" else ["virt"]
            words, files = candidates(command, *before, "--" + name, "")
            assert (not words and not files) == (name in FREE), (command, name, words, files)
    for level in candidates("--log", "")[0]:
        backplane("--log", level, "version")
    for wrong, option in (("auto kvm soft", "accel"), ("restart exit", "on-reboot"),
                          ("nothing end", "without-button")):
        assert candidates("run", "virt", "--" + option, "")[0] == wrong.split()
        done = subprocess.run([str(PROGRAM), "run", "virt", "--kernel", "x", "--" + option, "bogus"],
                              capture_output=True, text=True)
        assert all(word in done.stderr for word in wrong.split()), done.stderr
    for option, call in (("kind", ["new", "org.example.x", "--dir", WORK / "x"]),
                         ("lang", ["new", "org.example.x", "--dir", WORK / "x", "--kind", "mmio"]),
                         ("level", ["check", "uart16550"])):
        words = candidates("plugin", call[0], "--" + option, "")[0]
        done = subprocess.run([str(PROGRAM), "plugin", *map(str, call), "--" + option, "bogus"],
                              capture_output=True, text=True)
        assert words and done.returncode == 2, (option, words, done.stderr)
        said = set(re.findall(r"[a-z+]+", done.stderr.splitlines()[0]))
        assert set(words) <= said, (option, words, done.stderr)
    listed = backplane("plugin", "check", "--list")
    only = candidates("plugin", "check", "uart16550", "--only", "")[0]
    assert len(only) > 20 and all(name in listed for name in only), only
    assert candidates("plugin", "check", "block-file", "--set", "pa")[0] == ["path="]


def any_words_are_taken_without_a_message():
    rng = random.Random(7)
    words = ["run", "plugin", "info", "--set", "--set=", "--", "-", "--arch", "--arch=", "=", "", ":",
             "virt", "nowhere", "--plugin-dir", "/nowhere", "--bogus=", "\x1b[31m", "${x", "é", "x" * 5000,
             "--set=disk=", "/dev/null", "--log", "--log=", "help", "complete"]
    for _ in range(300):
        line = [rng.choice(words) for _ in range(rng.randrange(40))]
        done = subprocess.run([str(PROGRAM), "complete", *line], capture_output=True, timeout=20)
        assert done.returncode == 0 and done.stderr == b"", (line, done.returncode, done.stderr)
        assert b"\x1b" not in done.stdout or b"\x1b" in line[-1].encode(), line


def an_answer_takes_less_than_50_ms():
    if BUILD.name in ("asan", "tsan", "fuzz"):
        raise Skip("this build is not made for speed")
    worst = 0.0
    for line in (["run", ""], ["run", "virt", "--set", ""], ["run", "virt", "--set", "io="],
                 ["plugin", "info", ""], ["run", "virt", "--"]):
        best = 9.0
        for _ in range(7):
            begin = time.monotonic()
            candidates(*line)
            best = min(best, time.monotonic() - begin)
        worst = max(worst, best)
    assert worst < 0.05, "%.0f ms" % (worst * 1e3)
    print("     at most %.1f ms" % (worst * 1e3))


# --- shells on a terminal ----------------------------------------------------------------------
class Shell:
    """A shell on a pseudo-terminal. Ctrl-X p shows the line as it stands."""

    def __init__(self, argv, setup):
        self.directory = WORK / "shell"
        (self.directory / "sub dir").mkdir(parents=True, exist_ok=True)
        for name in ("Image", "root.img", "board.ini", "my board.ini", "notes.txt"):
            (self.directory / name).touch()
        shutil.copy(TOP / "machines/virt.ini", self.directory / "sub dir/deep.ini")
        self.text = b""
        self.pid, self.terminal = pty.fork()
        if self.pid == 0:
            os.chdir(self.directory)
            os.environ.update(PATH="%s:%s" % (BUILD, os.environ["PATH"]), TERM="dumb", HOME=str(WORK),
                              PS1="> ", LC_ALL="C.UTF-8")
            os.execvp(argv[0], argv)
        for line in setup:
            self.send(line + "\n")
        self.send("echo REA''DY\n")
        self.wait(b"READY")

    def send(self, text):
        os.write(self.terminal, text.encode())

    def wait(self, wanted):
        """What was shown up to and with this."""
        end = time.monotonic() + SECONDS
        while wanted not in self.text:
            left = end - time.monotonic()
            assert left > 0, "no %r in %r" % (wanted, self.text[-2000:])
            if select.select([self.terminal], [], [], left)[0]:
                self.text += os.read(self.terminal, 65536)
        shown, self.text = self.text.split(wanted, 1)
        return shown

    def complete(self, typed):
        """The line after TAB."""
        self.send("\x15" + typed + "\t\x18p")
        self.wait(b"LINE<")
        return self.wait(b">ENIL").decode()

    def end(self):
        os.close(self.terminal)
        os.waitpid(self.pid, 0)


# What is typed, and the line after TAB. A blank at the end: the word is whole.
LINES = [
    ("backplane ver", "backplane version "),
    ("backplane --ver", "backplane --version "),
    ("backplane run vi", "backplane run virt "),
    ("backplane run boa", "backplane run board.ini "),
    ("backplane run not", "backplane run not"),
    ("backplane check my", "backplane check my\\ board.ini "),
    ("backplane check su", "backplane check sub\\ dir/"),
    ("backplane check sub\\ dir/", "backplane check sub\\ dir/deep.ini "),
    ("backplane run virt --ker", "backplane run virt --kernel "),
    ("backplane run virt --kernel Im", "backplane run virt --kernel Image "),
    ("backplane run virt --kernel=Im", "backplane run virt --kernel=Image "),
    ("backplane run virt --arch ri", "backplane run virt --arch riscv64 "),
    ("backplane run virt --arch=ri", "backplane run virt --arch=riscv64 "),
    ("backplane run virt --set re", "backplane run virt --set readonly="),
    ("backplane run virt --set readonly=y", "backplane run virt --set readonly=yes "),
    ("backplane run virt --set=readonly=y", "backplane run virt --set=readonly=yes "),
    ("backplane run virt --set disk=ro", "backplane run virt --set disk=root.img "),
    ("backplane check sub\\ dir/deep.ini --set ne", "backplane check sub\\ dir/deep.ini --set net="),
    ("backplane plugin inf", "backplane plugin info "),
    ("backplane plugin info uart", "backplane plugin info uart16550 "),
    ("backplane plugin info virtio-r", "backplane plugin info virtio-rng "),
    ("backplane plugin list --plugin-dir su", "backplane plugin list --plugin-dir sub\\ dir/"),
    ("backplane plugin list --plugin-dir=su", "backplane plugin list --plugin-dir=sub\\ dir/"),
    ("backplane help plu", "backplane help plugin "),
]


def wrong_lines(shell):
    try:
        found = [(typed, shell.complete(typed), wanted) for typed, wanted in LINES]
        return [line for line in found if line[1] != line[2]]
    finally:
        shell.end()


def bash_completes_on_a_terminal():
    if shutil.which("bash") is None:
        raise Skip("bash is not installed")
    shell = Shell(["bash", "--norc", "--noprofile", "-i"], [
        "bind 'set bell-style none'; bind 'set enable-bracketed-paste off'",
        "bind -x '\"\\C-xp\": printf \"LINE<%s>ENIL\\n\" \"$READLINE_LINE\"'",
        ". '%s'" % (SCRIPTS / "backplane.bash")])
    wrong = wrong_lines(shell)
    assert not wrong, wrong


def zsh_completes_on_a_terminal():
    if shutil.which("zsh") is None:
        raise Skip("zsh is not installed")
    shell = Shell(["zsh", "-f", "-i"], [
        "fpath=('%s' $fpath); autoload -Uz compinit; compinit -u -D; setopt no_beep" % SCRIPTS,
        "show() { print -r -- \"LINE<$BUFFER>ENIL\" }; zle -N show; bindkey -e; bindkey '^Xp' show"])
    wrong = wrong_lines(shell)
    assert not wrong, wrong


def bash_offers_all_that_the_program_says():
    """As bash calls the function, without a terminal: whole lists, cut where bash cuts."""
    if shutil.which("bash") is None:
        raise Skip("bash is not installed")
    script = """. "$1"; PATH=$2:$PATH; shift 2
        COMP_LINE=$1; COMP_POINT=${#1}; COMP_WORDS=("${@:2}"); COMP_CWORD=$(($# - 2))
        _backplane; printf '%s\\n' "${COMPREPLY[@]}" """
    for words, wanted in (
            (["backplane", ""], candidates("")[0]),
            (["backplane", "plugin", "info", ""], ids()),
            (["backplane", "run", "virt", "--"], candidates("run", "--")[0]),
            (["backplane", "run", "virt", "--set", "readonly", "="], ["yes", "no"]),
            (["backplane", "run", "--arch", "="], list(ARCHS)),
            (["backplane", "run", "--arch", "=", "a"], ["arm64"])):
        line = words[0] + "".join(word if i and (word == "=" or words[i - 1:i] == ["="]) else " " + word
                                  for i, word in enumerate(words[1:], 1))
        done = subprocess.run(["bash", "-c", script, "bash", str(SCRIPTS / "backplane.bash"),
                               str(BUILD), line, *words], capture_output=True, text=True,
                              cwd=WORK)
        assert done.stdout.split() == wanted and not done.stderr, (line, done.stdout, done.stderr)


TESTS = [
    all_commands_are_offered_with_their_summaries,
    options_are_those_of_help_each_offered_once,
    machines_plugins_and_architectures_are_known,
    keys_for_set_are_those_of_the_machine_that_is_named,
    values_for_set_follow_from_the_plugins_properties,
    every_option_with_a_value_completes_and_its_words_are_accepted,
    any_words_are_taken_without_a_message,
    an_answer_takes_less_than_50_ms,
    bash_offers_all_that_the_program_says,
    bash_completes_on_a_terminal,
    zsh_completes_on_a_terminal,
]
