"""Boot to init on the KVM of arm64 and riscv64 beside QEMU there, for measure.py.

Both are programs of that architecture in the machine that tests/nested/run makes. Its clock counts
instructions here, so nothing else that this host does changes a figure.
"""
import os
import re
import shutil
import subprocess
import tempfile

ROUNDS = 2
INIT = """#!/busybox sh
/busybox mount -t devtmpfs dev /dev
echo BENCH-INIT >/dev/console
/busybox poweroff -f
"""
RACES = {"arm64": ("qemu-system-aarch64", "ttyAMA0", ["-M", "virt,gic-version=3"]),
         "riscv64": ("qemu-system-riscv64", "ttyS0", ["-M", "virt", "-bios", "none"])}


def make_initrd(work, arch):
    tree = os.path.join(work, arch)
    for name in ("dev", "proc"):
        os.makedirs(os.path.join(tree, name))
    shutil.copy("build/cache/%s/busybox" % arch, tree)
    with open(os.path.join(tree, "init"), "w", opener=lambda p, f: os.open(p, f, 0o755)) as file:
        file.write(INIT)
    names = "\n".join(["dev", "proc", "busybox", "init"]) + "\n"
    with open(os.path.join(work, arch + ".initrd"), "wb") as out:
        subprocess.run(["cpio", "--quiet", "-o", "-H", "newc", "-R", "0:0"], cwd=tree, input=names.encode(),
                       stdout=out, check=True)
    return out.name


def race(work, arch, row, give_up):
    emulator, console, peer = RACES[arch]
    if shutil.which(emulator) is None:
        row(arch, "not measured", "no " + emulator)
        return
    for command in (["tests/boot/fetch", arch], ["tests/nested/fetch-qemu", arch, arch]):
        done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True)
        if done.returncode != 0:
            row(arch, "not measured", (done.stderr.strip().splitlines() or ["fetch failed"])[-1])
            return
    done = subprocess.run(["tests/nested/run", arch, "--count", "--memory", "3000", "--timeout", "900",
                           "--file", "build/cache/qemu/%s-%s/qemu.tar:/qemu.tar" % (arch, arch),
                           "--file", make_initrd(work, arch) + ":/bench.initrd",
                           "--file", "tests/bench/race_runs:/race_runs",
                           "--", "sh", "/race_runs", str(ROUNDS), console, *peer],
                          stdin=subprocess.DEVNULL, capture_output=True, text=True)
    best = {name: min([float(one) for one in re.findall(r"^%s ([0-9.]+)$" % name, done.stdout, re.M)], default=0)
            for name in ("ours", "peer")}
    if not all(best.values()):
        give_up("not both came to init on %s" % arch, done.stdout + done.stderr)
        return
    ratio = best["ours"] / best["peer"]
    row("%s: ours | QEMU, seconds of 500 M instructions" % arch, "%.2f | %.2f" % (best["ours"], best["peer"]))
    row("  ratio", "%.2f" % ratio, "<= 1.10", ratio <= 1.10)


def bench_race(row, heading, give_up):
    heading("Boot to init on KVM, in an emulated machine")
    with tempfile.TemporaryDirectory() as work:
        for arch in RACES:
            race(work, arch, row, give_up)
