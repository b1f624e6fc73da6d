"""play.py BUILD UNIT DIRECTORY: does what systemd would do with the unit, as far as a process can.

The commands come from the unit; only directories are others. The guest is DIRECTORY/guest.elf, on the
software processor. Prints PASS, FAIL and SKIP lines and a count.
"""

import os
import pathlib
import re
import shlex
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time

PATIENCE = 60  # seconds that anything may take on a busy host

MACHINE = """\
include = minimal

[device console]
char = tty
mmio.regs = 0x10000000

[backend tty]
plugin = char-socket
path = {run}/console

[device power]
mmio.regs = 0x00100000
{button}
[boot]
kernel = {guest}
"""

BUTTON = """
[device button]
plugin = pl061
mmio.regs = 0x10003000
"""

# Comes first, and has no button wired.
DUMMY_AND_BUTTON = """
[device dummy]
plugin = pl061
button = no
mmio.regs = 0x10004000
""" + BUTTON


class Unit:
    """The keys of a unit file; lists of values, since keys may be repeated."""

    def __init__(self, path):
        self.keys = {}
        for line in path.read_text().splitlines():
            if re.match(r"[A-Za-z]+=", line):
                key, value = line.split("=", 1)
                self.keys.setdefault(key, []).append(value)

    def one(self, key):
        (value,) = self.keys[key]
        return value

    def statuses(self, key):
        return [int(word) for word in self.one(key).split()]


class Service:
    """One instance of the unit."""

    def __init__(self, unit, build, directory, name, button):
        self.unit, self.build, self.name = unit, build, name
        self.run = directory / name
        self.run.mkdir()
        self.etc = directory / "etc"
        self.etc.mkdir(exist_ok=True)
        text = MACHINE.format(run=self.run, button=button, guest=directory / "guest.elf")
        (self.etc / (name + ".ini")).write_text(text)
        self.environment = {"PATH": os.environ["PATH"]}
        for one in unit.keys["Environment"]:
            key, value = one.split("=", 1)
            self.environment[key] = value
        self.manager = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.manager.bind(str(self.run / "notify"))
        self.process = None
        self.status = None

    def command(self, key):
        """What systemd makes of a command line: systemd.service(5), "Command lines"."""
        line = self.unit.one(key).removeprefix("-")
        line = line.replace("/etc/backplane", str(self.etc)).replace("%i", self.name)
        words = [word.replace("$$", "$") for word in shlex.split(line)]
        words[0] = words[0].replace("/usr/bin/backplane", str(self.build / "backplane"))
        return words

    def start(self, before=()):
        """True: it says that it is ready."""
        environment = dict(self.environment, NOTIFY_SOCKET=str(self.run / "notify"))
        self.errors = open(self.run / "stderr", "w+b")
        self.process = subprocess.Popen([*before, *self.command("ExecStart")], env=environment,
                                        stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                                        stderr=self.errors)
        # As systemd does: at once, or the process would seem to be there.
        threading.Thread(target=self.process.wait, daemon=True).start()
        self.manager.settimeout(0.1)
        deadline = time.monotonic() + PATIENCE
        while time.monotonic() < deadline and self.process.returncode is None:
            try:
                return b"READY=1" in self.manager.recv(4096).split(b"\n")
            except TimeoutError:
                continue
        return False

    def stop(self, seconds=None):
        """Runs ExecStop; how long it took, and its status."""
        environment = dict(self.environment)
        if seconds is not None:
            environment["BACKPLANE_STOP_SECONDS"] = str(seconds)
        if self.process.returncode is None:
            environment["MAINPID"] = str(self.process.pid)
        begin = time.monotonic()
        done = subprocess.run(self.command("ExecStop"), env=environment, timeout=PATIENCE * 2,
                              capture_output=True, check=False)
        return time.monotonic() - begin, done

    def ended(self):
        """The exit status, waited for."""
        return self.process.wait(PATIENCE)

    def said(self):
        return (self.run / "stderr").read_text()

    def clean_up(self):
        if self.process is not None and self.process.returncode is None:
            self.process.kill()
            self.process.wait()
        self.manager.close()
        self.errors.close()


class Console:
    def __init__(self, service):
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.socket.settimeout(PATIENCE)
        self.socket.connect(str(service.run / "console"))
        self.text = b""

    def wait_for(self, text):
        while text not in self.text:
            more = self.socket.recv(4096)
            if not more:
                return False
            self.text += more
        self.text = self.text[self.text.index(text) + len(text):]
        return True

    def type(self, text):
        self.socket.sendall(text)

    def close(self):
        self.socket.close()


counts = {"PASS": 0, "FAIL": 0, "SKIP": 0}


def result(word, text):
    counts[word] += 1
    print(word, text, flush=True)


def check(is_right, text, detail=""):
    result("PASS" if is_right else "FAIL", text if is_right else f"{text}: {detail}")


def started(unit, build, directory, name, button=BUTTON, before=(), environment=()):
    service = Service(unit, build, directory, name, button)
    service.environment.update(environment)
    is_ready = service.start(before)
    check(is_ready, f"{name}: it starts, and tells when the guest runs", service.said())
    return service if is_ready else None


def with_a_button(unit, build, directory):
    service = started(unit, build, directory, "button")
    if service is None:
        return
    console = Console(service)
    check(console.wait_for(b"guest: up"), "button: what the guest said before comes first")
    console.close()
    console = Console(service)
    console.type(b"hello")
    check(console.wait_for(b"hello"), "button: the next client talks to the guest")
    took, done = service.stop()
    check(service.ended() == 0, "button: ExecStop, and the guest powers off: status 0",
          f"{service.process.returncode} {service.said()}")
    check(done.returncode == 0 and took < 30, f"button: and that took {took:.1f} s",
          f"{took:.1f} s, {done}")
    check(console.wait_for(b"guest: the button"), "button: its last words reach the client")
    check(not (service.run / "console").exists(), "button: the socket is gone")
    took, done = service.stop()
    check(done.returncode == 0 and not done.stdout + done.stderr,
          "button: ExecStop without a process is silent", str(done))
    console.close()
    service.clean_up()


def with_two_buttons(unit, build, directory):
    service = started(unit, build, directory, "second", DUMMY_AND_BUTTON)
    if service is None:
        return
    service.stop()
    check(service.ended() == 0, "second: a button that is not wired swallows no press",
          f"{service.process.returncode} {service.said()}")
    service.clean_up()


def without_an_ear(unit, build, directory):
    service = started(unit, build, directory, "deaf")
    if service is None:
        return
    console = Console(service)
    console.type(b"i")
    console.wait_for(b"guest: ignoring")
    took, _ = service.stop(seconds=1)
    check(1 <= took < 20 and service.process.poll() is None,
          "deaf: a guest that ignores the button has its time, and no more", f"{took:.1f} s")
    service.process.send_signal(signal.SIGTERM)
    status = service.ended()
    check(status == 130 and status in unit.statuses("SuccessExitStatus"),
          "deaf: then SIGTERM ends it with a status that systemd takes for success", str(status))
    console.close()
    service.clean_up()


def without_a_button(unit, build, directory):
    service = started(unit, build, directory, "none", button="")
    if service is None:
        return
    took, _ = service.stop()
    check(service.ended() == 130 and took < 30, "none: a machine without a button ends at once",
          f"{service.process.returncode} after {took:.1f} s")
    check("no device of this machine has a power button" in service.said(), "none: and says so",
          service.said())
    service.clean_up()


def by_itself(unit, build, directory):
    service = started(unit, build, directory, "itself")
    if service is None:
        return
    console = Console(service)
    console.type(b"x")
    check(service.ended() == 0, "itself: a guest that powers off ends the service")
    console.close()
    service.clean_up()


def killed(unit, build, directory):
    service = started(unit, build, directory, "killed")
    if service is None:
        return
    service.process.kill()
    service.ended()
    is_left = (service.run / "console").exists()
    is_ready = service.start()
    check(is_left and is_ready, "killed: what it leaves behind keeps nobody from starting again",
          service.said())
    service.stop()
    service.clean_up()


def wrong_file(unit, build, directory):
    service = Service(unit, build, directory, "wrong", "[device button\n")
    check(not service.start(), "wrong: a machine file with an error starts nothing")
    status = service.ended()
    check(status == 1 and status in unit.statuses("RestartPreventExitStatus"),
          "wrong: and is not tried again", str(status))
    check(re.search(r"/etc/wrong\.ini:\d+: ", service.said()), "wrong: its line is in the journal",
          service.said())
    service.clean_up()


def list_group(name, found):
    """System calls of a group of systemd's, with those in it."""
    lines = subprocess.run(["systemd-analyze", "syscall-filter", name], capture_output=True,
                           text=True, check=True).stdout.splitlines()
    for word in (line.strip() for line in lines[1:]):
        if word.startswith("@"):
            list_group(word, found)
        elif word and not word.startswith("#"):
            found.add(word)
    return found


def allowed_calls(unit):
    allowed = set()
    for value in unit.keys["SystemCallFilter"]:
        for name in value.removeprefix("~").split():
            group = list_group(name, set())
            allowed = allowed - group if value.startswith("~") else allowed | group
    return allowed


def system_calls(unit, build, directory):
    """What the filter would kill, without a filter."""
    if not shutil.which("strace") or not shutil.which("systemd-analyze"):
        result("SKIP", "calls: strace or systemd-analyze is not there")
        return
    trace = directory / "trace"
    before = ["strace", "-f", "-qq", "-o", str(trace)]
    if subprocess.run([*before, "true"], capture_output=True, check=False).returncode != 0:
        result("SKIP", "calls: strace may not trace here")
        return
    image = directory / "disk.img"
    image.write_bytes(bytes(1 << 20))
    extra = BUTTON + f"""
[device disk0]
plugin = virtio-blk
bus = virtio-mmio
block = root

[backend root]
plugin = block-file
path = {image}

[device net0]
plugin = virtio-net
bus = virtio-mmio
net = lan

[backend lan]
plugin = net-user
"""
    # One that is traced cannot be searched for leaks.
    service = started(unit, build, directory, "calls", extra, before,
                      {"ASAN_OPTIONS": "detect_leaks=0"})
    if service is None:
        return
    console = Console(service)
    console.wait_for(b"guest: up")
    console.type(b"x")
    status = service.ended()
    text = trace.read_text(errors="replace")
    made = set(re.findall(r"^\d+ +(?:<\.\.\. )?([a-z_0-9]+)(?:\(| resumed)", text, re.M))
    foreign = sorted(made - allowed_calls(unit))
    check(status == 0 and len(made) > 20 and not foreign,
          f"calls: the filter allows all {len(made)} system calls of a run", f"{foreign} {status}")
    loud = [line for line in text.splitlines() if re.search(r"\b(mmap|mprotect)\(", line)
            and "PROT_WRITE" in line and "PROT_EXEC" in line]
    check(not loud, "calls: no memory is writable and executable", "\n".join(loud[:5]))
    families = set(re.findall(r"socket\((AF_\w+|PF_\w+)", text))
    allowed = set(unit.one("RestrictAddressFamilies").split())
    check(families and families <= allowed, f"calls: sockets are {' '.join(sorted(families))}",
          str(families - allowed))
    console.close()
    service.clean_up()


def main():
    build, unit_path, directory = (pathlib.Path(one) for one in sys.argv[1:4])
    unit = Unit(unit_path)
    for play in (with_a_button, with_two_buttons, without_an_ear, without_a_button, by_itself,
                 killed, wrong_file, system_calls):
        play(unit, build.resolve(), directory.resolve())
    print(f"{counts['PASS']} passed, {counts['FAIL']} failed, {counts['SKIP']} skipped")
    return counts["FAIL"] != 0


if __name__ == "__main__":
    sys.exit(main())
