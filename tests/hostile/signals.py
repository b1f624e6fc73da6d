#!/usr/bin/env python3
"""tests/hostile/signals.py BUILD_DIR GUEST_DIR: signals at random moments between start and end.

SIGINT, SIGTERM and SIGHUP end a running guest within two seconds with status 130, or the program by
that signal while it still sets up. The terminal is as it was before. BP_HOSTILE_SIGNALS=N sends N
(default 40). With BP_HOSTILE_LINUX=1 the guest is the distribution's Linux (tests/boot/fetch and a demo
must have been run) writing to an ext4 disk, which must be whole afterwards but for its journal.
"""
import os
import pty
import random
import select
import signal
import subprocess
import sys
import tempfile
import termios
import time

from guest import describe, environment, slowness, write_guest

build, guests = sys.argv[1], sys.argv[2]
backplane = os.path.join(build, "backplane")
slow = slowness(backplane)
END_SECONDS = 2 * slow
SETUP_SECONDS = 0.25 * slow  # until it catches signals
is_linux = os.environ.get("BP_HOSTILE_LINUX") == "1"
os.environ["PATH"] += ":/usr/sbin:/sbin"
SCRIPT = """n=0
while :; do
    n=$((n + 1))
    dd if=/dev/urandom of=/mnt/f$((n % 7)) bs=4k count=$((n % 60 + 1)) 2>/dev/null
    [ $((n % 3)) -ne 0 ] || sync
    mkdir -p /mnt/d$((n % 5))/e; rm -rf /mnt/d$(((n + 2) % 5))
done
"""


def make_disk(work):
    disk = os.path.join(work, "disk.img")
    with open(disk, "wb") as file:
        file.truncate(16 << 20)
    if is_linux:
        tree = os.path.join(work, "tree")
        os.makedirs(tree, exist_ok=True)
        with open(os.path.join(tree, "run"), "w") as file:
            file.write(SCRIPT)
        subprocess.run(["mke2fs", "-q", "-F", "-t", "ext4", "-d", tree, disk], check=True)
    return disk


def command(work, disk):
    args = [backplane, "run", "virt", "--arch", "riscv64", "--cpus", "2", "--set", "disk=" + disk]
    if is_linux:
        return args + ["--kernel", "build/cache/riscv64/Image", "--initrd",
                       "build/demo/riscv64/initrd.gz", "--append", "console=ttyS0 bp.run=/mnt/run"]
    return args + ["--memory", "64M", "--kernel", os.path.join(work, "guest.elf")]


def check_disk(disk):
    """Replays the journal, as a mount does, then looks for damage."""
    if not is_linux:
        return None
    subprocess.run(["e2fsck", "-E", "journal_only", "-p", disk], capture_output=True)
    done = subprocess.run(["e2fsck", "-fn", disk], capture_output=True, text=True)
    return None if done.returncode == 0 else "e2fsck: " + done.stdout[-800:]


def wait_reading(process, fd, seconds):
    """Waits for the end while somebody reads the terminal."""
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        if process.poll() is not None:
            return True
        if fd is not None and select.select([fd], [], [], 0.005)[0]:
            try:
                os.read(fd, 65536)
            except OSError:
                pass
        elif fd is None:
            time.sleep(0.005)
    return process.poll() is not None


def one(work, disk, number, delay, on_terminal):
    """A sentence if something is wrong."""
    master = slave = None
    streams = {"stdin": subprocess.DEVNULL, "stdout": subprocess.DEVNULL}
    if on_terminal:
        master, slave = pty.openpty()
        before = termios.tcgetattr(slave)
        streams = {"stdin": slave, "stdout": slave}
    with open(os.path.join(work, "err"), "w+b") as err:
        process = subprocess.Popen(command(work, disk), stderr=err, **streams,
                                   env=environment(), start_new_session=True)
        wait_reading(process, master, delay)
        ended_before = process.poll() is not None
        process.send_signal(number)
        done = wait_reading(process, master, END_SECONDS)
        if not done:
            process.kill()
            process.wait()
        err.seek(0)
        text = err.read().decode(errors="replace")
    problem = check_disk(disk)
    if on_terminal:
        if termios.tcgetattr(slave) != before:
            problem = "the terminal is not as it was"
        os.close(master)
        os.close(slave)
    if not done:
        problem = f"still running after {END_SECONDS} s"
    elif not is_linux and process.returncode in (0, 4):
        pass  # the hostile guest may hit on what powers off or panics, even while the signal is on its way
    elif ended_before:
        problem = f"it ended before the signal, with status {process.returncode}"
    elif process.returncode != 130 and not (delay < SETUP_SECONDS and process.returncode == -number):
        problem = f"status {process.returncode}"
    elif "Sanitizer" in text or "runtime error" in text:
        problem = "a sanitizer's word"
    return problem and f"{problem}\n{text[-3000:]}"


class Ended(Exception):
    """The guest's doing: it hit on what powers off or panics."""


def raw_soon(fd, seconds):
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        if not termios.tcgetattr(fd)[3] & termios.ICANON:
            return True
        if select.select([fd], [], [], 0.01)[0]:
            try:
                os.read(fd, 65536)
            except OSError as error:
                raise Ended from error
    return False


def stop_and_go_on(work, disk):
    """Stopped and continued, as by a shell that takes the terminal meanwhile."""
    pid, master = pty.fork()
    if pid == 0:
        os.execve(backplane, command(work, disk), environment())
    try:
        return stop_and_go_on_with(pid, master)
    except Ended:
        _, status = os.waitpid(pid, 0)
        os.close(master)
        return None if os.waitstatus_to_exitcode(status) in (0, 4) else f"status {status}"


def stop_and_go_on_with(pid, master):
    before = termios.tcgetattr(master)
    if not raw_soon(master, 10):
        return "the terminal was never raw"
    # Not SIGTSTP: the kernel does not stop a session's leader by it.
    for stop in (signal.SIGSTOP, signal.SIGSTOP):
        os.kill(pid, stop)
        _, status = os.waitpid(pid, os.WUNTRACED)
        if os.WIFEXITED(status) and os.WEXITSTATUS(status) in (0, 4):
            return None
        if not os.WIFSTOPPED(status):
            return f"{stop.name} did not stop it"
        termios.tcsetattr(master, termios.TCSANOW, before)
        os.kill(pid, signal.SIGCONT)
        if not raw_soon(master, 2):
            return f"the terminal is not raw again after {stop.name} and SIGCONT"
    os.kill(pid, signal.SIGWINCH)
    os.kill(pid, signal.SIGTERM)
    until = time.monotonic() + END_SECONDS
    while time.monotonic() < until:
        if select.select([master], [], [], 0.01)[0]:
            try:
                os.read(master, 65536)
            except OSError:
                pass
        done, status = os.waitpid(pid, os.WNOHANG)
        if done:
            break
    else:
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)
        return "still running after SIGTERM"
    os.close(master)
    return None if os.waitstatus_to_exitcode(status) == 130 else f"status {status}"


def main():
    random.seed(int(os.environ.get("BP_HOSTILE_FIRST", "1")))
    n, failed, by_signal = int(os.environ.get("BP_HOSTILE_SIGNALS", "40")), 0, 0
    with tempfile.TemporaryDirectory() as work:
        if not is_linux:
            machine = describe(backplane, "virt", ["--arch", "riscv64", "--memory", "64M", "--cpus", "2", "--set", "disk=x"])
            write_guest(guests, os.path.join(work, "guest.elf"), "s", machine, 7, 1 << 40, 0)
        disk = make_disk(work)
        for i in range(n):
            number = random.choice([signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
            longest = random.choice([0.02, 0.1, 12 if is_linux else 0.4])
            delay = random.random() * longest
            on_terminal = random.random() < 0.5
            problem = one(work, disk, number, delay, on_terminal)
            if problem:
                failed += 1
                print(f"FAIL {number.name} after {delay * 1000:.1f} ms"
                      f"{' on a terminal' if on_terminal else ''}: {problem}")
                if is_linux:
                    make_disk(work)
        n += 1
        problem = stop_and_go_on(work, disk)
        if problem:
            failed += 1
            print("FAIL stopped and continued: " + problem)
    print(f"{n - failed} passed, {failed} failed, 0 skipped")
    sys.exit(failed != 0)


main()
