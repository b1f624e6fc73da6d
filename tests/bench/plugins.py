"""Reading and loading plugins: a list of many is not slow, and loading them costs a start little."""
import os
import re
import shutil
import subprocess
import time

MANY = 200
LIST_MS, LOAD_MS = 50, 5


def make_many(build, folder):
    """Copies of one plugin, each with an id of its own in its note: a list runs nothing of them."""
    shutil.rmtree(folder, ignore_errors=True)
    os.makedirs(folder, 0o755)
    with open(build + "/plugins/goldfish-rtc.so", "rb") as file:
        whole = file.read()
    at = whole.index(b"goldfish-rtc", whole.index(b"Backplane\0"))
    for i in range(MANY):
        name = "many-%07d" % i
        with open("%s/%s.so" % (folder, name), "wb") as out:
            out.write(whole[:at] + name.encode() + whole[at + len(name):])


def make_thirty(build, folder):
    """Those of the tree, and as many renamed copies of one of them as are missing."""
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(build + "/plugins", folder)
    os.chmod(folder, 0o755)
    with open(folder + "/goldfish-rtc.so", "rb") as file:
        whole = file.read()
    for i in range(30 - len(os.listdir(folder))):
        name = "copy-%07d" % i
        with open("%s/%s.so" % (folder, name), "wb") as out:
            out.write(whole.replace(b"goldfish-rtc", name.encode()))


def bench_plugins(build, out, row, heading, give_up):
    heading("Plugins")
    folder = out + "/many"
    make_many(build, folder)
    took = []
    for _ in range(20):
        begin = time.monotonic()
        done = subprocess.run([build + "/backplane", "plugin", "list", "--plugin-dir", folder],
                              stdin=subprocess.DEVNULL, capture_output=True, text=True)
        took.append(1000 * (time.monotonic() - begin))
    took.sort()
    listed = len(re.findall(r"^many-\d{7} ", done.stdout, re.M))
    row("plugins in the list", str(listed), str(MANY), listed == MANY)
    row("plugin list, best of 20", "%.1f ms" % took[0], "<= %d ms" % LIST_MS, took[0] <= LIST_MS)
    row("plugin list, median", "%.1f ms" % took[10])
    make_thirty(build, out + "/thirty")
    loads = []
    for _ in range(20):
        done = subprocess.run([build + "/tests/bench/plugins", out + "/thirty"],
                              capture_output=True, text=True)
        found = re.match(r"plugins: (\d+) loaded in ([0-9.]+) ms", done.stdout)
        if done.returncode != 0 or found is None:
            give_up("loading the plugins failed", done.stderr)
            return
        loads.append(float(found[2]))
    loads.sort()
    row("plugins loaded by one program", found[1], ">= 30", int(found[1]) >= 30)
    row("  best of 20", "%.2f ms" % loads[0], "<= %d ms" % LOAD_MS, loads[0] <= LOAD_MS)
    row("  median", "%.2f ms" % loads[10])
