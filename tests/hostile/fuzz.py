#!/usr/bin/env python3
"""tests/hostile/fuzz.py BUILD_DIR GUEST_DIR: run the hostile guest and watch the program under it.

Each run has a seed, a number of harts, a mode and a machine. It must end by itself or, when the guest has
tied itself up, within two seconds of a SIGTERM; without a crash, a sanitizer's word, memory beyond the
guest's RAM and a fixed sum, or ever more files and threads. BP_HOSTILE_SEEDS=N runs N seeds (default 2),
BP_HOSTILE_FIRST is the first (default 1), BP_HOSTILE_ROUNDS how long (default 300),
BP_HOSTILE_ONLY=TEXT runs those whose title has TEXT in it.
"""
import json
import os
import signal
import struct
import subprocess
import sys
import tempfile
import time

MAGIC = b"BPHOSTIL"
RAM_MIB = 64
DISK_BYTES = 16 << 20
END_SECONDS = 2
LIMIT_SECONDS = 10
OWN_MIB = 40  # beyond guest RAM; what a sanitizer takes comes on top
WILD, FLOOD, FLOOD_RESET = 2, 4, 8
KINDS = {"virtio-mmio": 1, "sifive-test": 2, "aclint": 3}
# 0 the guest powered off, 3 it asked for a reset, 4 it said that it crashed
GOOD_ENDS = {0, 3, 4}

build, guests = sys.argv[1], sys.argv[2]
backplane = os.path.join(build, "backplane")
is_sanitized = subprocess.run(
    ["nm", backplane], capture_output=True, text=True).stdout.find("__asan_init") >= 0
is_tsan = subprocess.run(
    ["nm", backplane], capture_output=True, text=True).stdout.find("__tsan_init") >= 0
slow = 8 if is_tsan else 4 if is_sanitized else 1
passed, failed = 0, 0


def environment():
    env = dict(os.environ)
    env["ASAN_OPTIONS"] = env.get("ASAN_OPTIONS", "") + ":exitcode=98"
    env["UBSAN_OPTIONS"] = env.get("UBSAN_OPTIONS", "") + ":print_stacktrace=1:exitcode=98"
    suppressions = os.path.abspath("tests/tsan.supp")
    if os.path.exists(suppressions):
        env["TSAN_OPTIONS"] = env.get("TSAN_OPTIONS", "") + ":exitcode=97:suppressions=" + suppressions
    return env


def describe(machine, args):
    text = subprocess.run([backplane, "describe", machine, "--json", *args],
                          check=True, capture_output=True, text=True, env=environment()).stdout
    return json.loads(text)


def windows_of(machine):
    found = []
    for device in machine["devices"]:
        for region in device["regions"]:
            found.append((int(region["base"], 16), region["size"],
                          KINDS.get(device["plugin"], 0)))
    return sorted(found)


def write_guest(path, mode, machine, seed, rounds, flags):
    with open(os.path.join(guests, f"hostile-{mode}.elf"), "rb") as file:
        image = bytearray(file.read())
    at = image.find(MAGIC)
    assert at >= 0 and image.find(MAGIC, at + 1) < 0
    ram = machine["ram"][0]
    windows = windows_of(machine)
    config = struct.pack("<8s7Q", MAGIC, seed, rounds, int(ram["base"], 16), ram["size"],
                         machine["cpus"], flags, len(windows))
    for window in windows:
        config += struct.pack("<3Q", *window)
    image[at:at + len(config)] = config
    with open(path, "wb") as file:
        file.write(image)


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
    if seen and not is_sanitized and not is_tsan:
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
        args = ["--memory", f"{RAM_MIB}M", "--cpus", str(harts)]
        if machine_name == "virt":
            args += ["--set", "disk=" + disk]
        machine = describe(machine_name, args)
        rounds = rounds or int(os.environ.get("BP_HOSTILE_ROUNDS", "300"))
        write_guest(guest, mode, machine, seed, rounds, flags)
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
