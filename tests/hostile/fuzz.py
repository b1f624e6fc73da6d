#!/usr/bin/env python3
"""tests/hostile/fuzz.py BUILD_DIR GUEST_DIR: run the hostile guest and watch the program under it.

Each run has a seed, a number of harts, a mode and a machine. It must end by itself or, when the guest has
tied itself up, within two seconds of a SIGTERM; without a crash, a sanitizer's word, memory beyond the
guest's RAM and a fixed sum, or ever more files and threads. BP_HOSTILE_SEEDS=N runs N seeds (default 2),
BP_HOSTILE_FIRST is the first (default 1), BP_HOSTILE_ROUNDS how long (default 300),
BP_HOSTILE_ONLY=TEXT runs those whose title has TEXT in it.
"""
import os
import signal
import subprocess
import sys
import tempfile
import time

from guest import FLOOD, FLOOD_RESET, WILD, describe, environment, slowness, write_guest

RAM_MIB = 64
DISK_BYTES = 16 << 20
END_SECONDS = 2
LIMIT_SECONDS = 10
OWN_MIB = 40  # beyond guest RAM; what a sanitizer takes comes on top
# 0 the guest powered off, 3 it asked for a reset, 4 it said that it crashed
GOOD_ENDS = {0, 3, 4}

build, guests = sys.argv[1], sys.argv[2]
backplane = os.path.join(build, "backplane")
slow = slowness(backplane)
passed, failed = 0, 0


def look(pid):
    """Resident MiB, files and threads; None when it is gone."""
    try:
        with open(f"/proc/{pid}/status") as file:
            fields = dict(line.split(":", 1) for line in file if ":" in line)
        files = len(os.listdir(f"/proc/{pid}/fd"))
        return int(fields["VmRSS"].split()[0]) / 1024, files, int(fields["Threads"])
    except (OSError, KeyError, IndexError):
        return None


def end_it(process, problems):
    """SIGTERM, and how long it took."""
    begin = time.monotonic()
    process.send_signal(signal.SIGTERM)
    try:
        process.wait(END_SECONDS * slow)
    except subprocess.TimeoutExpired:
        threads = subprocess.run(["gdb", "-p", str(process.pid), "-batch", "-ex", "thread apply all bt 12"],
                                 capture_output=True, text=True).stdout if os.environ.get(
                                     "BP_HOSTILE_GDB") else ""
        problems.append(f"SIGTERM did not end it within {END_SECONDS * slow} s\n{threads}")
        process.kill()
        process.wait()
    return time.monotonic() - begin


def watch(process, limit, problems):
    """Until it ends; after the limit SIGTERM. Returns what was seen and if it had to be ended."""
    seen, deadline = [], time.monotonic() + limit
    while time.monotonic() < deadline:
        try:
            process.wait(0.25)
            return seen, False
        except subprocess.TimeoutExpired:
            now = look(process.pid)
            if now is not None:
                seen.append(now)
    end_it(process, problems)
    return seen, True


def judge(process, seen, ended, problems, err):
    status = process.returncode
    good = {130} if ended else GOOD_ENDS
    if status not in good and not problems:
        problems.append(f"status {status}")
    for sign in ("Sanitizer", "runtime error", "Assertion", "corrupted", "double free"):
        if sign in err:
            problems.append(f"it says {sign}")
    if seen and slow == 1:  # a sanitizer has its own memory
        most = max(mib for mib, _, _ in seen)
        if most > RAM_MIB + OWN_MIB:
            problems.append(f"{most:.0f} MiB resident with {RAM_MIB} MiB of RAM")
    if len(seen) > 2:
        for index, what in ((1, "open files"), (2, "threads")):
            if max(s[index] for s in seen[2:]) > seen[1][index] + 20:
                problems.append(f"{what} grow: {[s[index] for s in seen]}")


def run(title, mode, machine_name, harts, seed, flags=0, stdin=subprocess.DEVNULL, rounds=None):
    global passed, failed
    if os.environ.get("BP_HOSTILE_ONLY", "") not in title:
        return
    with tempfile.TemporaryDirectory() as work:
        disk, guest = os.path.join(work, "disk.img"), os.path.join(work, "guest.elf")
        with open(disk, "wb") as file:
            file.truncate(DISK_BYTES if not flags & FLOOD else 1 << 40)
        args = ["--arch", "riscv64", "--memory", f"{RAM_MIB}M", "--cpus", str(harts)]
        if machine_name == "virt":
            args += ["--set", "disk=" + disk]
        machine = describe(backplane, machine_name, args)
        rounds = rounds or int(os.environ.get("BP_HOSTILE_ROUNDS", "300"))
        write_guest(guests, guest, mode, machine, seed, rounds, flags)
        args += ["--firmware" if mode == "m" else "--kernel", guest, "--on-reboot", "exit"]
        problems, begin = [], time.monotonic()
        with open(os.path.join(work, "err"), "w+b") as err:
            process = subprocess.Popen([backplane, "run", machine_name, *args], stdin=stdin,
                                       stdout=subprocess.DEVNULL if not flags & FLOOD else subprocess.PIPE,
                                       stderr=err, env=environment())
            if flags & FLOOD:
                process.stdout.read(1)
                time.sleep(0.3)
                took = end_it(process, problems)
                seen, ended = [], True
            else:
                seen, ended = watch(process, LIMIT_SECONDS * slow, problems)
                took = time.monotonic() - begin
            err.seek(0)
            text = err.read(100000).decode(errors="replace")
        judge(process, seen, ended, problems, text)
        note = "SIGTERM" if ended else f"status {process.returncode}"
        most = max((mib for mib, _, _ in seen), default=0)
        if problems:
            failed += 1
            print(f"FAIL {title} ({took:.1f} s, {note}): {'; '.join(problems)}")
            print("     " + text[-6000:].replace("\n", "\n     "))
        else:
            passed += 1
            print(f"PASS {title} ({took:.1f} s, {note}, {most:.0f} MiB)")
        sys.stdout.flush()


def main():
    first = int(os.environ.get("BP_HOSTILE_FIRST", "1"))
    for seed in range(first, first + int(os.environ.get("BP_HOSTILE_SEEDS", "2"))):
        for harts in (1, 4):
            run(f"virt, supervisor, {harts} harts, seed {seed}", "s", "virt", harts, seed)
            run(f"virt, machine mode, {harts} harts, seed {seed}", "m", "virt", harts, seed)
        run(f"minimal, 4 harts, seed {seed}", "s", "minimal", 4, seed)
        run(f"virt, wild, 4 harts, seed {seed}", "s", "virt", 4, seed, WILD)
        run(f"virt, wild machine mode, 4 harts, seed {seed}", "m", "virt", 4, seed, WILD)
    run("the disk's queue full of reads of GiB", "s", "virt", 2, 1, FLOOD)
    run("the same, and the disk is reset", "s", "virt", 2, 1, FLOOD | FLOOD_RESET)
    print(f"{passed} passed, {failed} failed, 0 skipped")
    sys.exit(failed != 0)


main()
