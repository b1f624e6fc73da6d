"""The bare-metal x86_64 guests: their files, filled in for a machine (firmware/guests/x86_64/guest.h)."""
import os
import struct

ARENA = (32 << 20, 24 << 20)
MAGIC = b"BPGUESTX"
WILD, CRASH = 1, 2
OTHER, VIRTIO, ENDER, I8042, APIC, EXIT = range(6)
KINDS = {"virtio-mmio": VIRTIO, "acpi-pm": ENDER, "debug-exit": EXIT, "pvpanic": ENDER, "i8042": I8042}
PORTS = ("console_port", "exit_port", "reset_port", "keyboard_port", "clock_port", "speed_port", "sleep_port",
         "panic_port")
PLACES = ("speed_gpa", "doorbell_gpa", "doorbell_value")


def places(machine):
    """The guest's ports, and all windows, from the machine's description."""
    ports, windows = {}, []
    for device in machine["devices"]:
        kind = APIC if device["name"] == "lapic" else KINDS.get(device["plugin"], OTHER)
        for region in device["regions"]:
            base = int(region["base"], 16)
            windows.append((base, region["size"], kind, int(region["kind"] == "port")))
            ports.setdefault((device["plugin"], region["name"]), base)
    power = ports.get(("acpi-pm", "ports"), -12)
    found = {"console_port": ports.get(("uart16550", "ports"), 0), "exit_port": ports.get(("debug-exit", "ports"), 0),
             "reset_port": power + 12, "keyboard_port": ports.get(("i8042", "command"), 0),
             "clock_port": ports.get(("cmos-rtc", "ports"), 0), "sleep_port": power + 4 if power > 0 else 0,
             "panic_port": ports.get(("pvpanic", "ports"), 0)}
    return found, windows


def write_guest(build, name, path, machine, seed=1, rounds=1, flags=0, **settings):
    """`settings`: ports and places other than those of the machine."""
    with open(os.path.join(build, "guests/x86_64", name + ".elf"), "rb") as file:
        image = bytearray(file.read())
    at = image.find(MAGIC)
    assert at >= 0 and image.find(MAGIC, at + 1) < 0
    ports, windows = places(machine)
    ports.update(settings)
    config = struct.pack("<8s6Q8H4Q", MAGIC, seed, rounds, flags, machine["cpus"], *ARENA,
                         *(ports.get(one, 0) for one in PORTS), *(ports.get(one, 0) for one in PLACES),
                         len(windows))
    for window in windows:
        config += struct.pack("<2Q2I", *window)
    image[at:at + len(config)] = config
    with open(path, "wb") as file:
        file.write(image)
