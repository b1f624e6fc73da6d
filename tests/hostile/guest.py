"""What the hostile tests share: the guest's file, filled in for a machine, and the environment."""
import json
import os
import re
import struct
import subprocess

MAGIC = b"BPHOSTIL"
WILD, FLOOD, FLOOD_RESET = 2, 4, 8
KINDS = {"virtio-mmio": 1, "sifive-test": 2, "aclint": 3}


def environment():
    env = dict(os.environ)
    env["ASAN_OPTIONS"] = env.get("ASAN_OPTIONS", "") + ":exitcode=98"
    env["UBSAN_OPTIONS"] = env.get("UBSAN_OPTIONS", "") + ":print_stacktrace=1:exitcode=98"
    suppressions = os.path.abspath("tests/tsan.supp")
    if os.path.exists(suppressions):
        env["TSAN_OPTIONS"] = env.get("TSAN_OPTIONS", "") + ":exitcode=97:suppressions=" + suppressions
    return env


def slowness(backplane):
    """How much slower a build is: 8 with ThreadSanitizer, 4 with AddressSanitizer, else 1."""
    symbols = subprocess.run(["nm", backplane], capture_output=True, text=True).stdout
    # A weak one is only asked about (" w "): one that is called is undefined, or linked in.
    return 8 if re.search(" [UTt] __tsan_init", symbols) else 4 if re.search(" [UTt] __asan_init", symbols) else 1


def describe(backplane, machine, args):
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


def write_guest(guests, path, mode, machine, seed, rounds, flags):
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
