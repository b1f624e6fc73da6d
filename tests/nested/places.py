#!/usr/bin/env python3
"""places.py DESCRIBED.json FOUND: are a machine's devices where `describe --json` says?

FOUND is what a guest said with tests/nested/guest/places: its /proc/iomem, ioports and interrupts, and
the resources of its plug-and-play devices or its /proc/device-tree. Each described region and line
must be in one of them, as it is described; and no device may be anywhere else. On a machine with a
device tree all must be in the tree, and what Linux has a driver for in iomem and interrupts, too.
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
# With a device tree: what Linux reserves no addresses for, or Debian's kernels have no driver for.
TREE_ONLY = ["arm,gic-v3-its", "arm,cortex-a15-gic", "sifive,plic-1.0.0", "riscv,aplic", "riscv,imsics", "sifive,clint0",
             "sifive,test1", "qemu,pvpanic-mmio"]
# Nobody takes this device's line as long as no other device hangs on it.
IDLE_LINES = ["arm,pl061"]
# Lines of iomem that are no devices.
MEMORY = ["System RAM", "Reserved", "reserved", "System ROM", "ACPI Tables", "RAM buffer",
          "ACPI Non-volatile Storage", "Kernel ", "Video ROM", "Adapter ROM", "PCI Bus"]


def split_cells(text):
    return [int(text[at:at + 8], 16) for at in range(0, len(text), 8)]


def read_node(text, tree):
    """PATH|compatible|reg|interrupts|#address-cells#size-cells, in bytes but for the first two."""
    path, compatible, reg, lines, widths = text.split("|")
    if path.startswith("cpus/"):
        return
    address, size = split_cells(widths)
    cells, areas = split_cells(reg), []
    while cells:
        base = int("".join(f"{one:08x}" for one in cells[:address]), 16)
        count = int("".join(f"{one:08x}" for one in cells[address:address + size]) or "0", 16)
        areas.append((base, base + count - 1))
        cells = cells[address + size:]
    tree["/" + path] = (compatible.split(), areas, split_cells(lines))


def read_found(path):
    found = {"iomem": [], "ioports": [], "interrupts": {}, "pnp_irq": set(), "acpi": set(),
             "tree": {}}
    for line in open(path, encoding="utf-8", errors="replace"):
        kind, _, text = line.rstrip("\n").partition("|")
        if kind == "acpi":
            found[kind].add(text)
        area = re.match(r"\s*([0-9a-f]+)-([0-9a-f]+) : (.*)", text)
        if kind in ("iomem", "ioports") and area:
            found[kind].append((int(area[1], 16), int(area[2], 16), area[3]))
        if kind == "tree":
            read_node(text, found["tree"])
        chip = re.match(r"\s*\d+:.*IO-APIC\s+(\d+)-(\w+)\s+(.*)", text)
        if kind == "interrupts" and chip:
            found[kind][int(chip[1])] = (chip[2], chip[3])
        # The GIC's first 32 are each processor's own.
        chip = re.match(r"\s*\d+:.* GIC(?:v3|-0)\s+(\d+) (\w+)\s+(.*)", text)
        if kind == "interrupts" and chip and int(chip[1]) >= 32:
            found[kind][int(chip[1]) - 32] = (chip[2].lower(), chip[3])
        # The PLIC's have no trigger that a tree could tell Linux of.
        chip = re.match(r"\s*\d+:.* (SiFive PLIC|APLIC\S*)\s+(\d+) \w+\s+(.*)", text)
        if kind == "interrupts" and chip:
            found[kind][int(chip[2])] = (None, chip[3])
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


def check_tree_lines(machine, device, cells, complain):
    """(kind, number, flags) for a GIC, (number) for a PLIC, (number, flags) for an APLIC."""
    step = 3
    if machine["arch"] == "riscv64":
        step = 1 if any("sifive,plic-1.0.0" in one["compatible"] for one in machine["devices"]) else 2
    told = [cells[at:at + step] for at in range(0, len(cells), step)]
    flags, wanted = {"edge": 1, "level": 4}, []
    for line in device["lines"]:
        full = [0, line["number"], flags[line["trigger"]]]
        wanted.append({3: full, 2: full[1:], 1: full[1:2]}[step])
    if told != wanted:
        complain(f"{device['node']} has interrupts {told}, described are {wanted}")


def check_tree(machine, found, complain):
    """What is described is in the tree, what is in the tree is described, and Linux has found it."""
    count = [0, 0]
    nodes = dict(found["tree"])
    for device in machine["devices"]:
        if not device["regions"]:
            continue
        compatible, areas, cells = nodes.pop(device["node"], ([], [], []))
        if compatible != device["compatible"]:
            complain(f"{device['node']} is {compatible} in the tree, {device['compatible']} as described")
        places = [(int(one["base"], 16), int(one["end"], 16)) for one in device["regions"]]
        if sorted(areas) != sorted(places):
            complain(f"{device['node']} is at {areas} in the tree, at {places} as described")
        check_tree_lines(machine, device, cells, complain)
        driven = not set(device["compatible"]) & set(TREE_ONLY)
        for base, end in places:
            count[0] += 1
            if driven and not find_region(base, end, found["iomem"]):
                complain(f"{device['name']}: {base:#x}-{end:#x} is not in iomem")
        for line in device["lines"]:
            count[1] += 1
            chip = found["interrupts"].get(line["number"])
            if chip is None and driven and not set(device["compatible"]) & set(IDLE_LINES):
                complain(f"{device['name']}: line {line['number']} is not in interrupts")
            elif chip and chip[0] not in (line["trigger"], None):
                complain(f"{device['name']} is described as {line['trigger']}, Linux has {chip[0]}")
    for path in nodes:
        complain(f"the tree has {path}, which is not described")
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
    with_ports = machine["arch"] == "x86_64"
    if with_ports:
        regions = check_regions(machine, found, problems.append)
        lines = check_lines(machine, found, problems.append)
    else:
        regions, lines = check_tree(machine, found, problems.append)
    check_rest(machine, found, problems.append)
    check_ram(machine, found, problems.append)
    if not found["iomem"] or bool(found["ioports"]) != with_ports or not regions or not lines:
        problems.append("nothing to compare")
    for one in problems:
        print("     " + one)
    print(f"     {machine['machine']}: {regions} regions and {lines} lines compared")
    return 1 if problems else 0


sys.exit(main())
