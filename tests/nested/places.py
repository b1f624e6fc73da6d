#!/usr/bin/env python3
"""places.py DESCRIBED.json FOUND: are a machine's devices where `describe --json` says?

FOUND is what a guest said with tests/nested/guest/places: its /proc/iomem, ioports and interrupts, and
the resources of its plug-and-play devices. Each described region and line must be in one of them, as
it is described; and no device may be anywhere else.
"""
import json
import re
import sys

# What Linux reserves on every PC before it reads any table.
LEGACY = ["dma1", "pic1", "timer0", "timer1", "keyboard", "dma page reg", "pic2", "dma2", "fpu",
          "rtc0", "PCI conf1", "vga+", "rtc_cmos"]
# Linux takes these for granted: it makes no device of them, reserves only what every PC has, and
# their lines only if it has no better timer. That they are in the tables must do.
GRANTED = ["PNP0000", "PNP0100"]
# Lines of iomem that are no devices.
MEMORY = ["System RAM", "Reserved", "reserved", "System ROM", "ACPI Tables", "RAM buffer",
          "ACPI Non-volatile Storage", "Kernel ", "Video ROM", "Adapter ROM", "PCI Bus"]


def read_found(path):
    found = {"iomem": [], "ioports": [], "interrupts": {}, "pnp_irq": set(), "acpi": set()}
    for line in open(path, encoding="utf-8", errors="replace"):
        kind, _, text = line.rstrip("\n").partition("|")
        if kind == "acpi":
            found[kind].add(text)
        area = re.match(r"\s*([0-9a-f]+)-([0-9a-f]+) : (.*)", text)
        if kind in ("iomem", "ioports") and area:
            found[kind].append((int(area[1], 16), int(area[2], 16), area[3]))
        chip = re.match(r"\s*\d+:.*IO-APIC\s+(\d+)-(\w+)\s+(.*)", text)
        if kind == "interrupts" and chip:
            found[kind][int(chip[1])] = (chip[2], chip[3])
        area = re.match(r"(\S+) (io|mem) 0x([0-9a-f]+)-0x([0-9a-f]+)", text)
        if kind == "pnp" and area:
            where = "ioports" if area[2] == "io" else "iomem"
            found[where].append((int(area[3], 16), int(area[4], 16), "pnp " + area[1]))
        line = re.match(r"(\S+) irq (\d+)", text)
        if kind == "pnp" and line:
            found["pnp_irq"].add(int(line[2]))
    return found


def is_legacy(name):
    return name in LEGACY


def find_region(base, end, areas):
    """A region as it is described; a device's driver may have taken parts of it, too."""
    if any((low, high) == (base, end) for low, high, _ in areas):
        return True
    return any(low <= base and end <= high and is_legacy(name) for low, high, name in areas)


def check_regions(machine, found, complain):
    count = 0
    for device in machine["devices"]:
        for region in device["regions"]:
            kind = {"mmio": "iomem", "port": "ioports"}.get(region["kind"])
            if kind is None:
                continue
            count += 1
            base, end = int(region["base"], 16), int(region["end"], 16)
            granted = device["acpi_hid"] in GRANTED and device["acpi_hid"] in found["acpi"]
            if not granted and not find_region(base, end, found[kind]):
                complain(f"{device['name']} {region['name']}: {region['base']}-{region['end']} "
                         f"is not in {kind}")
    return count


def check_lines(machine, found, complain):
    triggers = {"level": "fasteoi", "edge": "edge"}
    count = 0
    for device in machine["devices"]:
        for line in device["lines"]:
            count += 1
            name = f"{device['name']} {line['name']}: line {line['number']}"
            chip = found["interrupts"].get(line["number"])
            granted = device["acpi_hid"] in GRANTED and device["acpi_hid"] in found["acpi"]
            if chip is None:
                if not granted and line["number"] not in found["pnp_irq"]:
                    complain(f"{name} is not in interrupts")
            elif chip[0] != triggers[line["trigger"]]:
                complain(f"{name} is described as {line['trigger']}, Linux has {chip[0]}")
    return count


def check_rest(machine, found, complain):
    """Nothing is found that is not described."""
    places = {"iomem": [], "ioports": []}
    for device in machine["devices"]:
        for region in device["regions"]:
            kind = {"mmio": "iomem", "port": "ioports"}.get(region["kind"])
            if kind:
                places[kind].append((int(region["base"], 16), int(region["end"], 16)))
    for kind, described in places.items():
        for low, high, name in found[kind]:
            if is_legacy(name) or any(name.startswith(one) for one in MEMORY):
                continue
            if not any(base <= low and high <= end for base, end in described):
                complain(f"{kind} has {low:#x}-{high:#x} ({name}), which is not described")
    lines = {line["number"] for device in machine["devices"] for line in device["lines"]}
    for number, (_, name) in found["interrupts"].items():
        if number not in lines:
            complain(f"interrupts has line {number} ({name}), which is not described")


def check_ram(machine, found, complain):
    """RAM is RAM, but for what the tables and the PC's hole take of it; and nothing else is RAM."""
    ram = [(int(one["base"], 16), int(one["end"], 16)) for one in machine["ram"]]
    for low, high, name in found["iomem"]:
        if name == "System RAM" and not any(base <= low and high <= end for base, end in ram):
            complain(f"iomem has RAM at {low:#x}-{high:#x}, where none is described")
    for base, end in ram:
        at = base
        for low, high, _ in sorted(found["iomem"]):
            if low <= at <= high:
                at = high + 1
        if at <= end:
            complain(f"RAM {base:#x}-{end:#x} ends at {at - 1:#x} for the guest")


def main():
    machine = json.load(open(sys.argv[1], encoding="utf-8"))
    found = read_found(sys.argv[2])
    problems = []
    regions = check_regions(machine, found, problems.append)
    lines = check_lines(machine, found, problems.append)
    check_rest(machine, found, problems.append)
    check_ram(machine, found, problems.append)
    if not found["iomem"] or not found["ioports"] or not regions or not lines:
        problems.append("nothing to compare")
    for one in problems:
        print("     " + one)
    print(f"     {machine['machine']}: {regions} regions and {lines} lines compared")
    return 1 if problems else 0


sys.exit(main())
