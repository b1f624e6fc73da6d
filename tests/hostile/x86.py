#!/usr/bin/env python3
"""tests/hostile/x86.py BUILD_DIR: x86_64 guests that mean harm, where KVM works.

All runs are prepared here, as a directory of guests and a script; tests/hostile/x86_runs does them, on this
host if its /dev/kvm is usable, otherwise inside the machine that tests/nested/run makes. Each guest must end
by itself, or within seconds of a SIGTERM; without a crash, a sanitizer's word, memory beyond the guest's RAM
and a fixed sum, or more files and threads than a machine can need twice over. BP_HOSTILE_SEEDS=N runs N seeds
(default 2, sanitized 1), BP_HOSTILE_FIRST is the first (default 1), BP_HOSTILE_ROUNDS how long (default 150),
BP_HOSTILE_ONLY=TEXT runs those whose title has TEXT in it, BP_HOSTILE_LOGS=DIR keeps what they wrote.
"""
import os
import re
import shlex
import shutil
import subprocess
import sys
import tempfile

from guest import describe, environment, slowness
from x86_guest import CRASH, WILD, write_guest

RAM_MIB = 64
OWN_MIB = 40
MOST_THREADS, MOST_FILES = 40, 60

build = sys.argv[1]
backplane = os.path.join(build, "backplane")
slow = slowness(backplane)
counts = {"passed": 0, "failed": 0, "skipped": 0}


def is_usable_here():
    text = subprocess.run([backplane, "doctor"], capture_output=True, text=True, env=environment()).stdout
    return any(line.split()[:3] == ["kvm", "x86_64", "usable:"] or line.split()[:3] == ["kvm", "x86_64", "usable"]
               for line in text.splitlines())


# --- runs ----------------------------------------------------------------------------------------

class Run:
    def __init__(self, title, guest, machine, cpus=1, ends=(0,), ended=True, says=None, **config):
        self.title, self.guest, self.machine, self.cpus = title, guest, machine, cpus
        self.ends, self.ended, self.says, self.config = set(ends), ended, says, config


def all_runs():
    """0 the guest ended in good order, 3 it asked for a reset, 4 it crashed."""
    yield Run("hello", "hello", "pc", says="hello from x86_64", ended=False)
    yield Run("4 processors", "smp", "pc", 4, says="processors: 4", ended=False)
    yield Run("4 processors, split interrupt controllers", "smp", "split", 4, says="processors: 4",
              ended=False)
    yield Run("60 resets", "resetloop", "pc", rounds=60, says="resets: 60", ended=False)
    yield Run("20 resets with 4 processors, then a triple fault", "resetloop", "split", 4, {4}, rounds=20,
              flags=CRASH, says="resets: 20", ended=False)
    first = int(os.environ.get("BP_HOSTILE_FIRST", "1"))
    for seed in range(first, first + int(os.environ.get("BP_HOSTILE_SEEDS", "2" if slow == 1 else "1"))):
        for machine in ("pc", "split"):
            for cpus in (1, 4):
                yield Run("fuzz, %s, %d processors, seed %d" % (machine, cpus, seed), "fuzz", machine, cpus,
                          {0, 3, 4}, seed=seed)
            yield Run("wild fuzz, %s, 4 processors, seed %d" % (machine, seed), "fuzz", machine, 4, {0, 3, 4},
                      seed=seed, flags=WILD)


def write_machines(work):
    """The PC, and one whose I/O APIC is a device."""
    with open("machines/pc.ini") as file:
        text = file.read()
    with open(os.path.join(work, "pc.ini"), "w") as file:
        file.write(text)
    with open(os.path.join(work, "split.ini"), "w") as file:
        file.write(text + "\n[device chip]\nplugin = ioapic\npins = 48\nmmio.regs = 0xfec00000\n")


def prepare(work, runs):
    write_machines(work)
    lines = []
    rounds = int(os.environ.get("BP_HOSTILE_ROUNDS", "150"))
    for number, one in enumerate(runs):
        args = ["--memory", "%dM" % RAM_MIB, "--cpus", str(one.cpus), "--set", "disk=disk.img", "--set", "net=user"]
        machine = describe(backplane, os.path.join(work, one.machine + ".ini"), args)
        write_guest(build, one.guest, os.path.join(work, "%d.elf" % number), machine,
                    **{"rounds": rounds, **one.config})
        if one.guest != "resetloop":
            args += ["--on-reboot", "exit"]
        lines.append("run %d %s --stats --kernel %d.elf %s" % (number, one.machine + ".ini", number,
                                                               shlex.join(args)))
    shutil.copy("tests/hostile/x86_runs", work)
    with open(os.path.join(work, "runs"), "w") as file:
        file.write("\n".join(lines) + "\n")


def start(work, runs):
    """Runs them all; what each has left is in work/out."""
    limit = 12 * slow
    if is_usable_here():
        env = dict(environment(), PATH=os.path.abspath(build) + ":" + os.environ["PATH"])
        return subprocess.run(["sh", "x86_runs", "out", str(limit)], cwd=work, env=env).returncode
    print("KVM is not usable on this host: the guests run nested", flush=True)
    command = ["tests/nested/run", "x86_64", "--build", build, "--guest", "none", "--file", work + ":/hostile",
               "--out", os.path.join(work, "out"), "--cpus", "1", "--timeout", str(120 + 25 * len(runs)),
               "--", "sh", "-c", "cd /hostile && exec sh x86_runs /out %d" % limit]
    status = subprocess.run(command, stdin=subprocess.DEVNULL, env=environment()).returncode
    if status == 124:  # each run has a limit of its own in there: it is the emulated machine that hangs
        print("the emulated machine did not come to its end: once more", flush=True)
        status = subprocess.run(command, stdin=subprocess.DEVNULL, env=environment()).returncode
    return status


# --- what came out -------------------------------------------------------------------------------

def read(path):
    try:
        with open(path, errors="replace") as file:
            return file.read()
    except OSError:
        return ""


def problems_of(one, status, ended, seen, out, err):
    if ended == "hangs":
        yield "SIGTERM did not end it"
    elif ended == "sigterm" and not one.ended:
        yield "it did not end by itself"
    elif status not in (one.ends if ended == "itself" else {130}):
        yield "status %d" % status
    if one.says and one.says not in out:
        yield "it does not say '%s'" % one.says
    for sign in ("Sanitizer", "runtime error", "Assertion", "corrupted", "double free", "internal error, suberror"):
        if sign in err and not (sign.startswith("internal") and one.guest == "fuzz"):
            yield "it says %s" % sign
    if seen and slow == 1 and max(rss for rss, _, _ in seen) > (RAM_MIB + OWN_MIB) << 10:
        yield "%d KiB resident with %d MiB of RAM" % (max(rss for rss, _, _ in seen), RAM_MIB)
    for index, what in ((1, "threads"), (2, "open files")):
        if seen and max(s[index] for s in seen) > (MOST_THREADS, MOST_FILES)[index - 1]:
            yield "%s grow: %s" % (what, [s[index] for s in seen])


def judge(number, one, work):
    out, err = (read(os.path.join(work, "out", "%d.%s" % (number, kind))) for kind in ("out", "err"))
    result = read(os.path.join(work, "out", "%d.result" % number)).split()
    seen = [tuple(int(n) for n in line.split())
            for line in read(os.path.join(work, "out", "%d.seen" % number)).splitlines()
            if len(line.split()) == 3]
    problems = ["it was not run"]
    if len(result) == 2:
        problems = list(problems_of(one, int(result[0]), result[1], seen, out, err))
    word = "FAIL" if problems else "PASS"
    exits = sum(int(n) for line in re.findall(r"^backplane: exits: (.*)$", err, re.M)
                for n in re.findall(r"(?:port|mmio) (\d+)", line))
    counts["failed" if problems else "passed"] += 1
    most = max((rss for rss, _, _ in seen), default=0) >> 10
    print("%s %s (status %s, %d exits, %d MiB)%s" % (word, one.title, " by ".join(result), exits, most,
                                                     ": " + "; ".join(problems) if problems else ""))
    if os.environ.get("BP_HOSTILE_LOGS"):
        shutil.copytree(os.path.join(work, "out"), os.environ["BP_HOSTILE_LOGS"], dirs_exist_ok=True)
    if problems:
        print("     " + (out[-500:] + err[-3000:]).replace("\n", "\n     "))


def reason_to_skip():
    if os.uname().machine != "x86_64":
        return "this host is no x86_64"
    if not os.path.exists(os.path.join(build, "guests/x86_64/fuzz.elf")):
        return "none are built (make tests, with a compiler for x86_64)"
    if is_usable_here():
        return None
    if shutil.which("qemu-system-x86_64") is None:
        return "no usable /dev/kvm, and no qemu-system-x86_64 to make one"
    fetched = subprocess.run(["tests/boot/fetch", "x86_64"], stdin=subprocess.DEVNULL, capture_output=True, text=True)
    return None if fetched.returncode == 0 else "no usable /dev/kvm, and no kernel for a nested one: " + \
        (fetched.stderr.strip().splitlines() or ["fetch failed"])[-1]


def main():
    why = reason_to_skip()
    runs = [one for one in all_runs() if os.environ.get("BP_HOSTILE_ONLY", "") in one.title]
    if why:
        counts["skipped"] += 1
        print("SKIP x86_64 guests: " + why)
    else:
        with tempfile.TemporaryDirectory() as work:
            os.mkdir(os.path.join(work, "out"))
            prepare(work, runs)
            if start(work, runs) != 0:
                counts["failed"] += 1
                print("FAIL the runs did not come to their end")
            for number, one in enumerate(runs):
                judge(number, one, work)
    print("%(passed)d passed, %(failed)d failed, %(skipped)d skipped" % counts)
    sys.exit(counts["failed"] != 0)


main()
