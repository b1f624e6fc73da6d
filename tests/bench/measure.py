#!/usr/bin/env python3
"""The measurements of `make bench`: called by tests/bench/run, which has built what they need.

Everything is measured from outside, on the host's clock; what the guest times itself (integer work,
sha256, fork+exec) is timed by the guest's clock, which is the host's.
"""
import os
import re
import resource
import shutil
import subprocess
import sys
import threading
import time

from kvm import bench_kvm
from plugins import bench_plugins
from race import bench_race

BUILD, OUT, CACHE = sys.argv[1:4]
BACKPLANE = BUILD + "/backplane"
QEMU = shutil.which("qemu-system-riscv64")
KERNEL = CACHE + "/Image"
READY = b"Backplane guest ready."
MIB = 1024 * 1024
RUNS = int(os.environ.get("BP_BENCH_RUNS", "3"))
MEMORY_MIB = 256
rows = []


def row(title, figure, wanted="", good=None):
    """Print one line of the table at once; figures come over minutes."""
    word = "" if good is None else "ok" if good else "OVER"
    rows.append(good)
    print(("%-44s %14s  %-13s %s" % (title, figure, wanted, word)).rstrip(), flush=True)


def heading(text):
    print("\n%s" % text, flush=True)


# --- starting guests ---------------------------------------------------------------------------

def ours(kernel, initrd=None, append="console=ttyS0", disk=True, extra=()):
    args = [BACKPLANE, "run", "virt", "--arch", "riscv64", "--kernel", kernel, "--memory", "%dM" % MEMORY_MIB]
    if initrd:
        args += ["--initrd", initrd, "--append", append]
    args += ["--set", "disk=" + OUT + "/disk.img"] if disk else []
    return args + list(extra)


def peer(kernel, initrd, append="console=ttyS0"):
    return [QEMU, "-M", "virt", "-m", str(MEMORY_MIB), "-nographic", "-no-reboot",
            "-kernel", kernel, "-initrd", initrd, "-append", append,
            "-drive", "file=%s/disk.img,format=raw,if=none,id=d" % OUT,
            "-device", "virtio-blk-device,drive=d", "-device", "virtio-rng-device"]


class Guest:
    """A running guest whose console is read as it comes."""

    def __init__(self, args):
        self.begin = time.monotonic()
        self.text = b""
        self.process = subprocess.Popen(args, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                        stderr=subprocess.PIPE)
        self.times = {}
        self.reader = threading.Thread(target=self.read, daemon=True)
        self.reader.start()

    def read(self):
        while True:
            data = os.read(self.process.stdout.fileno(), 65536)
            if not data:
                return
            self.text += data

    def wait_for(self, mark, seconds=300):
        """Seconds since the start at which the mark stood on the console, or None."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            if mark in self.text:
                return time.monotonic() - self.begin
            if self.process.poll() is not None and not self.reader.is_alive():
                return None
            time.sleep(0.005)
        return None

    def stop(self):
        if self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(10)
            except subprocess.TimeoutExpired:
                self.process.kill()
        self.process.wait()
        self.reader.join(5)
        return self.text.decode(errors="replace") + \
            self.process.stderr.read().decode(errors="replace")


def give_up(what, text):
    print("bench: %s; the end of its output:" % what, file=sys.stderr)
    print("\n".join(text.splitlines()[-12:]), file=sys.stderr)
    rows.append(False)


# --- the measurements --------------------------------------------------------------------------

def parse_marks(text):
    """name -> (best value, check) of lines "name: VALUE unit [check|crc] CHECK"."""
    found = {}
    for name, value, unit, check in re.findall(
            r"^(int|sha|fork): ([0-9.]+) (\S+) (?:check|crc) (\S+)\s*$", text, re.M):
        value, better = float(value), max if unit.endswith("/s") else min
        old = found.get(name)
        found[name] = (better(value, old[0]) if old else value, check)
    return found


def run_marks(args):
    guest = Guest(args)
    guest.process.stdin.close()
    try:
        guest.process.wait(600)
    except subprocess.TimeoutExpired:
        pass
    text = guest.stop()
    marks = parse_marks(text)
    if len(marks) < 3:
        give_up("the guest's programs did not finish", text)
    return marks


def native_marks():
    text = ""
    for args in (("int", "2000"), ("int", "20000"), ("sha", "64"), ("fork", "200")):
        text += subprocess.run([OUT + "/mark"] + list(args), check=True,
                               capture_output=True, text=True).stdout
    return parse_marks(text)


def bench_guest():
    heading("Work in the guest")
    append = "console=ttyS0 quiet bp.run=/bin/bench.sh"
    initrd = OUT + "/bench.initrd.gz"
    native = native_marks()
    our = run_marks(ours(KERNEL, initrd, append))
    tcg = run_marks(peer(KERNEL, initrd, append)) if QEMU else {}
    again = native_marks()
    if len(our) < 3:
        return
    native_int = max(native["int"][0], again["int"][0])
    row("integer work, native", "%.0f rounds/s" % native_int)
    share = 100 * our["int"][0] / native_int
    row("integer work, Backplane", "%.0f rounds/s" % our["int"][0])
    row("  share of native", "%.1f %%" % share, ">= 3 %", share >= 3)
    row("  same result as native", our["int"][1], native_crc(2000), our["int"][1] == native_crc(2000))
    row("sha256 of 64 MiB, native", "%.2f s" % native["sha"][0])
    row("sha256 of 64 MiB, Backplane", "%.2f s" % our["sha"][0], "same result",
        our["sha"][1] == native["sha"][1])
    row("200 x fork+exec, native", "%.2f s" % native["fork"][0])
    row("200 x fork+exec, Backplane", "%.2f s" % our["fork"][0], "all 200", our["fork"][1] == "200")
    if len(tcg) == 3:
        row("integer work, QEMU TCG", "%.0f rounds/s" % tcg["int"][0],
            "x %.2f of it" % (our["int"][0] / tcg["int"][0]))
        row("sha256 of 64 MiB, QEMU TCG", "%.2f s" % tcg["sha"][0],
            "x %.1f time" % (our["sha"][0] / tcg["sha"][0]))
        row("200 x fork+exec, QEMU TCG", "%.2f s" % tcg["fork"][0],
            "x %.1f time" % (our["fork"][0] / tcg["fork"][0]))


def native_crc(rounds):
    text = subprocess.run([OUT + "/mark", "int", str(rounds)], check=True,
                          capture_output=True, text=True).stdout
    return parse_marks(text)["int"][1]


def boot_once(args):
    guest = Guest(args)
    init = guest.wait_for(b"Run /init")
    shell = guest.wait_for(READY)
    text = guest.stop()
    if shell is None:
        give_up("the guest did not come up", text)
    return init, shell


def bench_boot():
    heading("The distribution's kernel, from the start of the program")
    initrd = OUT + "/plain.initrd.gz"
    our, tcg = [], []
    for _ in range(RUNS):
        our.append(boot_once(ours(KERNEL, initrd)))
        if our[-1][1] is None:
            return
        if QEMU:
            tcg.append(boot_once(peer(KERNEL, initrd)))
    our_init, our_shell = min(one[0] for one in our), min(one[1] for one in our)
    row("to init, Backplane, best of %d" % RUNS, "%.2f s" % our_init)
    row("to the shell, Backplane", "%.2f s" % our_shell)
    if not tcg or None in tcg[0]:
        row("to the shell, QEMU TCG", "not installed", "<= x 8")
        return
    tcg_init, tcg_shell = min(one[0] for one in tcg), min(one[1] for one in tcg)
    row("to init, QEMU TCG", "%.2f s" % tcg_init)
    row("to the shell, QEMU TCG", "%.2f s" % tcg_shell)
    row("  Backplane's time to init", "x %.2f" % (our_init / tcg_init), "<= x 8",
        our_init / tcg_init <= 8)
    row("  Backplane's time to the shell", "x %.2f" % (our_shell / tcg_shell), "<= x 8",
        our_shell / tcg_shell <= 8)


def bench_start():
    heading("Start: exec, first guest instruction, power off, exit")
    args = ours(OUT + "/poweroff.elf")
    took = []
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    for _ in range(50):
        begin = time.monotonic()
        done = subprocess.run(args, stdin=subprocess.DEVNULL, capture_output=True)
        took.append(1000 * (time.monotonic() - begin))
        if done.returncode != 0:
            give_up("the smallest kernel ended with status %d" % done.returncode,
                    done.stderr.decode(errors="replace"))
            return
    took.sort()
    now = resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu = 1000 * (now.ru_utime + now.ru_stime - used.ru_utime - used.ru_stime) / len(took)
    row("whole run of virt.ini, best of 50", "%.1f ms" % took[0], "<= 10 ms", took[0] <= 10)
    row("whole run of virt.ini, median", "%.1f ms" % took[25])
    row("  of it processor time, mean", "%.1f ms" % cpu)


def mappings(smaps):
    """(begin, end, permissions, RSS) of every mapping, in order."""
    found = []
    for line in smaps:
        words = line.split()
        if re.match(r"[0-9a-f]+-[0-9a-f]+$", words[0]):
            begin, end = (int(one, 16) for one in words[0].split("-"))
            permissions = words[1]
        elif words[0] == "Rss:":
            found.append((begin, end, permissions, int(words[1]) * 1024))
    return found


def memory_in(smaps, ram_mib):
    """(RSS of guest RAM, RSS of everything else) in bytes. Guest RAM lies between two guards that
    nobody may touch; the system may split it between them (advice on parts)."""
    found = mappings(smaps)
    run = []
    for one in found:
        if one[2] == "---p" or (run and one[0] != run[-1][1]):
            run = []
            continue
        run.append(one)
        if run[-1][1] - run[0][0] == ram_mib * MIB:
            ram = sum(rss for _, _, _, rss in run)
            return ram, sum(rss for _, _, _, rss in found) - ram
    sys.exit("bench: no mappings of the program are as long as the guest's RAM")


def memory_of(pid):
    with open("/proc/%d/smaps" % pid) as smaps:
        return memory_in(smaps, MEMORY_MIB)


def bench_memory():
    heading("Memory")
    guest = Guest(ours(OUT + "/sleep.elf"))
    time.sleep(0.5)
    ram, other = memory_of(guest.process.pid)
    text = guest.stop()
    if guest.process.returncode == 1:
        give_up("the sleeping kernel did not run", text)
        return
    row("guest RAM touched by a kernel that sleeps", "%.0f KiB" % (ram / 1024), "<= 1024 KiB",
        ram <= MIB)
    row("RSS beyond guest RAM, sleeping kernel", "%.1f MiB" % (other / MIB), "<= 8 MiB",
        other <= 8 * MIB)
    guest = Guest(ours(KERNEL, OUT + "/plain.initrd.gz"))
    up = guest.wait_for(READY)
    if up is not None:
        time.sleep(1)
        ram, other = memory_of(guest.process.pid)
        row("RSS beyond guest RAM, Linux at its shell", "%.1f MiB" % (other / MIB), "<= 8 MiB",
            other <= 8 * MIB)
    text = guest.stop()
    if up is None:
        give_up("Linux did not come up", text)


def cpu_seconds(pid):
    with open("/proc/%d/stat" % pid) as stat:
        fields = stat.read().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def bench_idle():
    heading("An idle guest")
    for harts in (1, 4):
        guest = Guest(ours(KERNEL, OUT + "/plain.initrd.gz", extra=("--cpus", str(harts))))
        if guest.wait_for(READY) is None:
            give_up("Linux did not come up", guest.stop())
            return
        time.sleep(4)
        begin, before = time.monotonic(), cpu_seconds(guest.process.pid)
        time.sleep(15)
        share = 100 * (cpu_seconds(guest.process.pid) - before) / (time.monotonic() - begin)
        guest.stop()
        row("at the shell prompt, %d hart(s), over 15 s" % harts, "%.2f %%" % share, "< 2 %",
            share < 2)


def write_machine(path, devices):
    with open(path, "w") as out:
        with open("machines/minimal.ini") as minimal:
            out.write(minimal.read())
        for i in range(devices):
            out.write("\n[device extra%d]\nplugin = goldfish-rtc\n" % i)


def bench_devices():
    heading("500 devices in one machine file")
    path = OUT + "/many.ini"
    write_machine(path, 500)
    best = None
    for _ in range(7):
        begin = time.monotonic()
        for args in (["check", path], ["describe", path, "--dts"]):
            done = subprocess.run([BACKPLANE] + args, stdin=subprocess.DEVNULL,
                                  capture_output=True)
            if done.returncode != 0:
                give_up("%s ended with status %d" % (args[0], done.returncode),
                        done.stderr.decode(errors="replace"))
                return
        took = time.monotonic() - begin
        best = took if best is None else min(best, took)
    nodes = len(re.findall(rb"google,goldfish-rtc", done.stdout))
    row("nodes in the device tree", str(nodes), ">= 500", nodes >= 500)
    row("check + describe, best of 7", "%.0f ms" % (1000 * best), "< 200 ms", best < 0.2)


def bench_dispatch():
    heading("Dispatch of one access on the bus")
    text = subprocess.run([BUILD + "/tests/bench/dispatch"], check=True, capture_output=True,
                          text=True).stdout
    few, many = (float(one) for one in text.split()[1:])
    row("5 devices", "%.1f ns" % few)
    # Caches and branch prediction know 5 devices by heart; a search would cost tens of times more.
    row("500 devices", "%.1f ns" % many, "<= x 2", many <= 2 * few)
    text = subprocess.run([BUILD + "/tests/bench/exit_path"], check=True, capture_output=True, text=True).stdout
    times, counts = (line.split()[1:] for line in text.splitlines())
    for title, ns in zip(("a port's exit, 5 devices", "a port's exit, 500 devices", "a memory exit, 5 devices",
                          "a memory exit, 500 devices"), times):
        row(title + ", our own code", "%s ns" % ns, "<= 150 ns", float(ns) <= 150)
    allocations, locks, foreign, exits = (int(one) for one in counts)
    row("  allocations in %d exits" % exits, str(allocations), "0", allocations == 0)
    row("  locks but the device's own", str(foreign + locks - exits), "0", foreign == 0 and locks == exits)


def bench_disk():
    heading("Disk: requests in 1 s, by threads | by io_uring")
    done = subprocess.run([BUILD + "/tests/bench/disk", OUT + "/busy.img"], capture_output=True,
                          text=True)
    figures, longest = {}, {}
    for one in done.stdout.splitlines():
        engine, what, depth, per_s, longest_us = re.match(
            r"disk: (\S+) +(\S.*\S) +(\d+) +(\d+) +(\d+)$", one).groups()
        figures.setdefault("%s, %s at once" % (what, depth), []).append(per_s)
        longest[engine] = max(longest.get(engine, 0), int(longest_us))
    for what, each in figures.items():
        row(what, " | ".join(each))
    row("longest call of submit, us", " | ".join(str(one) for one in longest.values()))
    if done.returncode != 0:
        give_up("the measurement of disks ended early", done.stderr)


def main():
    benches = {"guest": bench_guest, "boot": bench_boot, "start": bench_start,
               "memory": bench_memory, "devices": bench_devices, "dispatch": bench_dispatch,
               "disk": bench_disk, "idle": bench_idle,
               "plugins": lambda: bench_plugins(BUILD, OUT, row, heading, give_up),
               "kvm": lambda: bench_kvm(BUILD, row, heading, give_up, memory_in),
               "race": lambda: bench_race(row, heading, give_up)}
    print("%-44s %14s  %s" % ("", "figure", "required"))
    for name in sys.argv[4:] or benches:
        if name not in benches:
            sys.exit("bench: no measurement '%s': %s" % (name, " ".join(benches)))
        benches[name]()
    over = sum(1 for good in rows if good is False)
    print("\n%d figures measured, %d over" % (len(rows), over))
    return 1 if over else 0


if __name__ == "__main__":
    sys.exit(main())
