#!/usr/bin/env python3
"""tests/boot/terminal.py BUILD_DIR: the console on a terminal, and the terminal afterwards.

Runs the program on a pseudo terminal, types, and compares the terminal's settings before and after
each way out: poweroff, Ctrl-A x, a signal, an error.
"""
import fcntl
import os
import pty
import re
import select
import signal
import struct
import subprocess
import sys
import tempfile
import termios
import time

BUILD = sys.argv[1]
CACHE = "build/cache/riscv64"
INITRD = BUILD + "/tests/boot/riscv64/initrd.gz"
SECONDS = int(os.environ.get("BP_BOOT_SECONDS", "150"))
READY = b"Backplane guest ready."
counts = {"PASS": 0, "FAIL": 0}


def check(title, good, text=b""):
    """Print one result; the end of the console follows a failure."""
    word = "PASS" if good else "FAIL"
    counts[word] += 1
    print(word, title)
    if not good:
        for line in text.decode(errors="replace").splitlines()[-15:]:
            print("     |", line)


class Session:
    """The program on a terminal of its own."""

    def __init__(self, args):
        self.master, self.slave = pty.openpty()
        fcntl.ioctl(self.slave, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 80, 0, 0))
        self.before = termios.tcgetattr(self.slave)
        self.text = b""
        self.process = subprocess.Popen(
            [BUILD + "/backplane", "run", "virt", "--arch", "riscv64"] + args,
            stdin=self.slave, stdout=self.slave, stderr=self.slave,
            start_new_session=True,
            preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0))

    def read(self, seconds):
        """Take what is there within the time; False at the end."""
        if not select.select([self.master], [], [], seconds)[0]:
            return True
        try:
            data = os.read(self.master, 65536)
        except OSError:
            return False
        # The guest's shell asks a terminal where its cursor is, and waits for the answer.
        if b"\x1b[6n" in data:
            os.write(self.master, b"\x1b[1;1R")
        self.text += data
        return True

    def wait_for(self, pattern, seconds=SECONDS):
        """True when the pattern has come, from here on."""
        begin, end = len(self.text), time.monotonic() + seconds
        while time.monotonic() < end and self.process.poll() is None:
            if re.search(pattern, self.text[begin:]):
                return True
            self.read(0.1)
        return bool(re.search(pattern, self.text[begin:]))

    def type(self, data):
        os.write(self.master, data)

    def finish(self, seconds=20):
        """Wait for the end; returns the exit status, None if it does not end."""
        end = time.monotonic() + seconds
        while self.process.poll() is None and time.monotonic() < end:
            self.read(0.1)
        if self.process.poll() is None:
            os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()
            return None
        self.read(0.1)
        return self.process.returncode

    def is_restored(self):
        return termios.tcgetattr(self.slave) == self.before

    def is_raw(self):
        return not termios.tcgetattr(self.slave)[3] & (termios.ICANON | termios.ECHO | termios.ISIG)

    def close(self):
        os.close(self.master)
        os.close(self.slave)


def guest_args(disk):
    return ["--kernel", CACHE + "/Image", "--initrd", INITRD,
            "--append", "console=ttyS0", "--set", "disk=" + disk]


def test_shell(disk):
    one = Session(guest_args(disk))
    check("a shell comes up on the terminal", one.wait_for(rb"guest:/# "), one.text)
    check("the terminal is raw while the guest has it", one.is_raw())
    one.type(b"echo $((6 * 7))\r")
    check("it runs what is typed", one.wait_for(rb"\r\n42\r", 20), one.text)
    one.type(b"sleep 1000\r")
    one.wait_for(rb"sleep 1000\r\n", 20)
    time.sleep(0.5)
    one.type(b"\x03")
    check("Ctrl-C reaches the guest and interrupts there", one.wait_for(rb"guest:/# ", 20), one.text)
    one.type(b"sleep 1000\r")
    one.wait_for(rb"sleep 1000\r\n", 20)
    time.sleep(0.5)
    one.type(b"\x1a")
    check("Ctrl-Z stops the guest's job, not the program", one.wait_for(rb"Stopped", 20), one.text)
    one.type(b"\x01h")
    check("Ctrl-A h helps", one.wait_for(rb"(?i)ctrl-a.*x", 10), one.text)
    one.type(b"poweroff\r")
    check("poweroff ends with status 0", one.finish() == 0, one.text)
    check("the terminal is as before", one.is_restored())
    one.close()


def test_quit(disk):
    one = Session(guest_args(disk))
    one.wait_for(rb"Linux version")
    one.type(b"\x01x")
    status = one.finish(10)
    # The power is cut by hand: an end that was asked for, no error.
    check("Ctrl-A x quits during the boot, status 0 (%s)" % status, status == 0, one.text)
    check("Ctrl-A x: the terminal is as before", one.is_restored())
    one.close()


def test_signal(disk, number):
    name = signal.Signals(number).name
    one = Session(guest_args(disk))
    one.wait_for(rb"Linux version")
    os.kill(one.process.pid, number)
    status = one.finish(10)
    check("%s ends it with status 130 (%s)" % (name, status), status == 130, one.text)
    check("%s: the terminal is as before" % name, one.is_restored())
    one.close()


def test_error():
    one = Session(["--kernel", "/nonexistent", "--set", "disk=/nonexistent"])
    status = one.finish(10)
    check("an error ends it with status 1 (%s)" % status, status == 1, one.text)
    check("an error: the terminal is as before", one.is_restored())
    one.close()


def main():
    os.chdir(os.path.join(os.path.dirname(os.path.abspath(__file__)), "../.."))
    subprocess.run(["bash", "-c", ". tests/boot/lib.sh && prepare_guest", "lib.sh", BUILD],
                   check=True)
    with tempfile.TemporaryDirectory() as folder:
        disk = folder + "/disk.img"
        subprocess.run(["tests/boot/mkdisk", disk], check=True)
        test_shell(disk)
        test_quit(disk)
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            test_signal(disk, number)
        test_error()
    print("%d passed, %d failed, 0 skipped" % (counts["PASS"], counts["FAIL"]))
    return 1 if counts["FAIL"] else 0


if __name__ == "__main__":
    sys.exit(main())
