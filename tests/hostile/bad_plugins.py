#!/usr/bin/env python3
"""tests/hostile/bad_plugins.py BUILD_DIR: plugins that end, block or double the program that runs them.

One sentence says which device, which file and where; the program ends as it would have without it,
and the terminal is as it was. Prints a count.
"""
import os
import pty
import re
import shutil
import signal
import struct
import subprocess
import sys
import tempfile
import termios
import time

from guest import slowness

BUILD = os.path.realpath(sys.argv[1])
WORK = os.path.realpath(tempfile.mkdtemp())
PLUGIN = WORK + "/plugins/trouble.so"
passed = failed = 0

# lui t0,0x10100; lw t1,0(t0); then pause 2^20 times, and power off: sw 0x5555 to 0x100000.
GUEST = [0x101002b7, 0x0002a303, 0x001003b7, 0xfff38393, 0xfe039ee3, 0x001002b7, 0x00005337,
         0x55530313, 0x0062a023, 0x0000006f]

MACHINE = """[machine]
arch = riscv64
memory = 16M
append = x
[device power]
plugin = sifive-test
mmio.regs = 0x100000
[device t0]
plugin = trouble
mmio.regs = 0x10100000
where = %s
what = %s
file = %s
[device uart]
plugin = uart16550
char = stdio
"""


def report(name, problem, text=""):
    global passed, failed
    if not problem:
        passed += 1
        return
    failed += 1
    print("FAIL %s: %s" % (name, problem))
    for line in text.splitlines()[:12]:
        print("     | " + line)


def command(where, what, kind="run"):
    ini = WORK + "/t.ini"
    with open(ini, "w") as out:
        out.write(MACHINE % (where, what, PLUGIN))
    more = ["--accel", "soft", "--firmware", WORK + "/guest.bin"] if kind == "run" else []
    return [BUILD + "/backplane", kind, ini, "--plugin-dir", WORK + "/plugins"] + more


SANITIZED = slowness(BUILD + "/backplane") > 1
WHO = "backplane: device t0 (plugin trouble, %s)" % PLUGIN


def ends_with(name, where, what, wanted, number=None, status=1):
    """The wanted sentence stands there once; the end is by signal `number`, or with `status`."""
    done = subprocess.run(command(where, what), stdin=subprocess.DEVNULL, capture_output=True,
                          timeout=60)
    text = done.stderr.decode(errors="replace")
    problem = ""
    if len(re.findall("^" + wanted, text, re.M)) != 1:
        problem = "not once: " + wanted
    elif number is None and done.returncode != status:
        problem = "status %d, not %d" % (done.returncode, status)
    elif number is not None and SANITIZED and done.returncode == 0:
        problem = "status 0 after a crash"
    elif number is not None and not SANITIZED and done.returncode != -number:
        problem = "status %d, not by signal %d" % (done.returncode, number)
    report(name, problem, text)


def crashes(where, what, number, name, callback=None, address=""):
    ends_with("%s in %s" % (what, where), where, what,
              "%s crashed: %s%s in %s; `backplane plugin check %s` helps its author$"
              % (re.escape(WHO), name, address, callback or where, re.escape(PLUGIN)), number)


def constructor():
    """Loading is the first thing that a plugin can spoil."""
    eager = WORK + "/plugins/eager.so"
    shutil.copyfile(BUILD + "/tests/unit/plugins/eager.so", eager)
    with open(WORK + "/eager.ini", "w") as out:
        out.write("[machine]\narch = riscv64\nmemory = 16M\n[device e]\nplugin = eager\n")
    for words in (["check", WORK + "/eager.ini"], ["plugin", "info", "eager"]):
        done = subprocess.run([BUILD + "/backplane"] + words + ["--plugin-dir", WORK + "/plugins"],
                              stdin=subprocess.DEVNULL, capture_output=True, timeout=60)
        text = done.stderr.decode(errors="replace")
        wanted = "backplane: %s called exit() in a constructor: a plugin returns an error" % eager
        report("exit in a constructor, " + words[0], "" if done.returncode == 1 and
               text.startswith(wanted) else "status %d" % done.returncode, text)


def hangs():
    """After a while the device is named; Ctrl-C ends the program as ever."""
    process = subprocess.Popen(command("create", "hang"), stdin=subprocess.DEVNULL,
                               stderr=subprocess.PIPE)
    line = process.stderr.readline().decode()
    begin = time.monotonic()
    process.send_signal(signal.SIGINT)
    process.wait(30)
    took = time.monotonic() - begin
    report("hang in create is told", "" if line.startswith(
        WHO + " is still in create after 5 s; Ctrl-C ends the program") else "another line", line)
    report("Ctrl-C ends a hang in create",
           "" if process.returncode == -signal.SIGINT and took < 5 else
           "status %d after %.1f s" % (process.returncode, took))


def restores_terminal():
    """A crash while the guest has the terminal in raw mode."""
    master, slave = pty.openpty()
    before = termios.tcgetattr(slave)
    process = subprocess.Popen(command("read", "segv"), stdin=slave, stdout=slave, stderr=slave,
                               start_new_session=True)
    process.wait(60)
    os.write(slave, b"\n")  # so that there is something to read
    after = termios.tcgetattr(slave)
    text = os.read(master, 1 << 16).decode(errors="replace")
    report("terminal after a crash", "" if before == after and process.returncode != 0 else
           "its settings differ", text)
    report("sentence on the terminal", "" if WHO + " crashed: SIGSEGV" in text else "missing", text)
    os.close(slave)
    os.close(master)


def main():
    os.mkdir(WORK + "/plugins", 0o755)
    shutil.copyfile(BUILD + "/tests/unit/plugins/trouble.so", PLUGIN)
    os.chmod(PLUGIN, 0o644)
    with open(WORK + "/guest.bin", "wb") as out:
        out.write(struct.pack("<%dI" % len(GUEST), *GUEST))
    done = subprocess.run(command("nowhere", "segv"), stdin=subprocess.DEVNULL, capture_output=True,
                          timeout=60)
    report("without trouble", "" if (done.returncode, done.stderr) == (0, b"") else
           "status %d" % done.returncode, done.stderr.decode(errors="replace"))
    at_0 = " at 0x10"
    crashes("create", "segv", signal.SIGSEGV, "SIGSEGV", address=at_0)
    crashes("realize", "abort", signal.SIGABRT, "SIGABRT")
    crashes("describe", "segv", signal.SIGSEGV, "SIGSEGV", "describe_fdt", at_0)
    crashes("start", "divide", signal.SIGFPE, "SIGFPE")
    crashes("read", "segv", signal.SIGSEGV, "SIGSEGV", address=at_0)
    crashes("read", "stack", signal.SIGSEGV, "SIGSEGV", address=" at 0x[0-9a-f]+")
    crashes("read", "illegal", signal.SIGILL if os.uname().machine != "aarch64" else signal.SIGTRAP,
            "SIGILL")
    crashes("worker", "segv", signal.SIGSEGV, "SIGSEGV", "a worker's job", at_0)
    crashes("destroy", "abort", signal.SIGABRT, "SIGABRT")
    ends_with("changed under the program", "read", "touch",
              "%s crashed: SIGSEGV at 0x10 in read; the file was changed after it was loaded: "
              % re.escape(WHO), signal.SIGSEGV)
    for where in ("create", "read"):
        ends_with("exit in " + where, where, "exit",
                  re.escape(WHO + " called exit() in %s: a plugin returns an error instead" % where))
    ends_with("fork in create", "create", "fork",
              re.escape(WHO + " forked in create and let the child run on, which was ended"),
              status=0)
    constructor()
    hangs()
    restores_terminal()


try:
    main()
finally:
    shutil.rmtree(WORK)
print("%d passed, %d failed, 0 skipped" % (passed, failed))
sys.exit(failed != 0)
