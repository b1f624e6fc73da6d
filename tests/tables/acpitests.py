"""The ACPI tables and E820 of `backplane describe`, for tests/tables/run: against iasl, acpiexec and
the map."""
import json
import pathlib
import random
import re
import shutil

import acpitables as acpi

SAMPLE = """[machine]
arch = x86_64
cpus = 3
memory = 5G
[device s]
plugin = acpi-sample
buses = 4
port.ports = 0x1000
port.many = 0x2000
port.child = 0x300
[device s2]
plugin = acpi-sample
[device panic]
plugin = pvpanic
[device panic2]
plugin = pvpanic
port.ports = 0x505
[device clock]
plugin = goldfish-rtc
[device console]
plugin = uart16550
char = null
"""
NUMBER = {"port": "port", "mmio": "mem", "ram": "ram"}


class Machine:
    """A machine as `describe` has it: layout (JSON), tables, E820, and the directory of the tables."""

    def __init__(self, run, name, file, *args):
        self.name = "%s %s" % (pathlib.Path(file).name, " ".join(args))
        self.directory = run.WORK / name
        plugins = ["--plugin-dir", run.WORK / "acpi-plugins", "--arch", "x86_64"]
        self.layout = json.loads(run.describe(file, *plugins, *args, "--json", "--acpi",
                                              self.directory).stdout)
        lines = run.describe(file, *plugins, *args, "--e820").stdout.decode().splitlines()
        self.e820 = []
        for line in lines:
            first, last, kind = re.fullmatch(
                r"BIOS-e820: \[mem 0x([0-9a-f]{16})-0x([0-9a-f]{16})\] ([\w ]+)", line).groups()
            self.e820.append((int(first, 16), int(last, 16) + 1, kind))
        self.tables = acpi.read_all(self.directory)
        self.rsdp = (self.directory / "rsdp.bin").read_bytes()
        self.dsdt = self.directory / "dsdt.aml"

    def devices(self):
        return [d for d in self.layout["devices"] if d["acpi_path"] is not None]

    def of_plugin(self, plugin):
        return [d for d in self.layout["devices"] if d["plugin"] == plugin]


def wanted_resources(machine, device):
    out = [acpi.Resource(NUMBER[r["kind"]], int(r["base"], 0), r["size"])
           for r in device["regions"]]
    sci = acpi.number(machine.tables["FACP"], 46, 2)
    for line in device["lines"]:
        if device["plugin"] == "acpi-pm" and line["number"] == sci:
            continue  # the FADT names it
        out.append(acpi.Resource(line["trigger"], line["number"], 1))
    # Below 4 GiB a memory descriptor does not say whether it may be cached.
    return sorted(r._replace(kind="mem") if r.kind == "ram" and r.base + r.size <= 1 << 32 else r
                  for r in out)


def check_root(m):
    """RSDP, XSDT, FADT: every pointer leads to its table, which lies where E820 says so."""
    assert m.rsdp[:8] == b"RSD PTR " and m.rsdp[15] == 2 and len(m.rsdp) == 36
    assert sum(m.rsdp[:20]) % 256 == 0 and sum(m.rsdp) % 256 == 0
    data = next((low, high) for low, high, kind in m.e820 if kind == "ACPI data")
    nvs = next((low, high) for low, high, kind in m.e820 if kind == "ACPI NVS")
    xsdt, fadt = m.tables["XSDT"], m.tables["FACP"]
    pointers = [acpi.number(xsdt, at, 8) for at in range(36, len(xsdt), 8)]
    pointers += [acpi.number(m.rsdp, 24, 8), acpi.number(fadt, 140, 8)]
    assert acpi.number(fadt, 40, 4) == acpi.number(fadt, 140, 8)
    assert acpi.number(fadt, 36, 4) == nvs[0] and nvs[0] % 64 == 0
    assert len(set(pointers)) == len(pointers) == len(m.tables) - 1  # all but the FACS
    for pointer in pointers:
        assert data[0] <= pointer < data[1] and pointer % 16 == 0, hex(pointer)


def check_madt(m):
    lapic, flags, rows = acpi.madt(m.tables["APIC"])
    assert lapic == 0xfee00000
    processors = [acpi.number(row, 3, 1) for kind, row in rows if kind == 0]
    assert processors == list(range(m.layout["cpus"]))
    chip = next(d for d in m.layout["devices"] if d["name"] == m.layout["interrupts"]["controller"])
    chips = [(acpi.number(row, 4, 4), acpi.number(row, 8, 4)) for kind, row in rows if kind == 1]
    assert chips == [(int(chip["regions"][0]["base"], 0), 0)], chips
    has_pic = any(d["name"] == "pic" and d["plugin"] == "built in" for d in m.layout["devices"])
    assert flags == (1 if has_pic else 0)
    overrides = {row[3]: (acpi.number(row, 4, 4), acpi.number(row, 8, 2))
                 for kind, row in rows if kind == 2}
    wanted = {0: (2, 0)} if has_pic else {}
    if m.of_plugin("acpi-pm") and acpi.number(m.tables["FACP"], 46, 2) < 16:
        sci = acpi.number(m.tables["FACP"], 46, 2)
        wanted[sci] = (sci, 0x0D)
    for line in (line for device in m.layout["devices"] for line in device["lines"]):
        if line["number"] < 16 and line["trigger"] == "level":
            wanted[line["number"]] = (line["number"], 0x0D)
    assert overrides == wanted, overrides


def check_fadt(m):
    fadt = m.tables["FACP"]
    assert fadt[8] == 6 and len(fadt) == 276
    reduced = acpi.number(fadt, 112, 4) >> 20 & 1
    power = m.of_plugin("acpi-pm")
    assert reduced == (0 if power else 1)
    if not power:
        return
    region = power[0]["regions"][0]
    low, high = int(region["base"], 0), int(region["end"], 0)
    for old, extended in [(56, 148), (64, 172), (76, 208)]:
        at = acpi.number(fadt, old, 4)
        assert low <= at <= high and at == acpi.number(fadt, extended + 4, 8)
        assert fadt[extended] == 1
    assert low <= acpi.number(fadt, 120, 8) <= high and acpi.number(fadt, 112, 4) >> 10 & 1
    assert acpi.number(fadt, 46, 2) == next(
        line["number"] for line in power[0]["lines"] if line["name"] == "sci")


def check_e820(m):
    """Disjoint, sorted; RAM, windows and nothing else."""
    for (_, end, _), (base, _, _) in zip(m.e820, m.e820[1:]):
        assert end <= base, "E820 overlaps at %#x" % base
    ram = [(int(r["base"], 0), int(r["end"], 0) + 1) for r in m.layout["ram"]]
    windows = [(int(r["base"], 0), int(r["end"], 0) + 1) for d in m.layout["devices"]
               for r in d["regions"] if r["kind"] != "port"]
    hole = [(0x9fc00, 0x100000)]
    places = sorted({at for r in ram + windows + hole for at in r} |
                    {at for low, high, _ in m.e820 for at in (low, high)})
    for at in places:
        def within(ranges):
            return any(low <= at < high for low, high in ranges)
        kinds = [kind for low, high, kind in m.e820 if low <= at < high]
        if within(hole) or (within(windows) and not within(ram)):
            assert kinds == ["reserved"], "%#x: %s" % (at, kinds)
        elif within(ram):
            assert kinds in (["usable"], ["ACPI NVS"], ["ACPI data"]), "%#x: %s" % (at, kinds)
        else:
            assert not kinds, "%#x: %s" % (at, kinds)
    total = sum(high - low for low, high, kind in m.e820 if kind != "reserved")
    assert total == sum(high - low for low, high in ram) - (0x100000 - 0x9fc00)


def check_namespace(m):
    """What acpiexec evaluates is what the map says, for every device and nothing else."""
    crs = acpi.find(m.dsdt, "_CRS")
    sta = acpi.find(m.dsdt, "_STA")
    hid = acpi.find(m.dsdt, "_HID")
    uid = [path[:-4] + "_UID" for path in hid]
    values = acpi.evaluate(m.dsdt, crs + sta + hid + uid)
    for path in sta:
        assert values[path] == 0x0F, path
    found = {}
    for path in crs:
        owner = ".".join(path.split(".")[:2])
        found.setdefault(owner, []).extend(acpi.resources(values[path]))
    for device in m.devices():
        path = device["acpi_path"]
        assert sorted(found.pop(path, [])) == wanted_resources(m, device), device["name"]
        got = values[path + "._HID"]
        default = "PRP0001" if device["compatible"] else "PNP0C02"
        assert (acpi.eisa(got) if isinstance(got, int) else got) == (device["acpi_hid"] or default)
        assert path + "._STA" in sta
    assert not found, "nobody's: %s" % found
    pairs = [(values[h], values[u]) for h, u in zip(hid, uid)]
    assert len(set(pairs)) == len(pairs), "_HID and _UID twice"
    processors = [u for h, u in pairs if h == "ACPI0007"]
    assert processors == list(range(m.layout["cpus"]))
    check_compatibles(m)


def check_compatibles(m):
    only = [d for d in m.devices() if d["acpi_hid"] is None and d["compatible"]]
    values = acpi.evaluate(m.dsdt, [d["acpi_path"] + "._DSD" for d in only]) if only else {}
    for device in only:
        uuid, properties = values[device["acpi_path"] + "._DSD"]
        assert uuid.hex() == "14d8ffdaba6e8c4d8a91bc9bbf4aa301"
        compatible = dict(properties)["compatible"]
        if isinstance(compatible, str):
            compatible = [compatible]
        assert compatible == device["compatible"], device["name"]


def check_sleep(m):
    states = acpi.find(m.dsdt, "_S5")
    assert bool(states) == bool(m.of_plugin("acpi-pm")), states
    if states:
        value = acpi.evaluate(m.dsdt, ["\\_S5"])["\\_S5"]
        assert len(value) == 4 and value[0] < 8 and value[2:] == [0, 0], value


def check(m, with_tools=True):
    try:
        check_root(m)
        check_madt(m)
        check_fadt(m)
        check_e820(m)
        if with_tools:
            check_namespace(m)
            check_sleep(m)
            for path in sorted(m.directory.glob("????.aml")):
                complaints = acpi.recompile(path)
                assert not complaints, "%s: %s" % (path.name, "; ".join(complaints[:5]))
    except AssertionError as problem:
        raise AssertionError("%s: %s" % (m.name, problem)) from problem


# --- machines -------------------------------------------------------------------------------------
def shipped(run):
    for file in sorted((run.TOP / "machines").glob("*.ini")):
        if not re.search(r"^arch = .*x86_64", file.read_text(), re.MULTILINE):
            continue
        yield file, []
        yield file, ["--cpus", "2", "--memory", "5G"]
        yield file, ["--cpus", "64", "--memory", "16M"]
        yield file, ["--set", "disk=/dev/null", "--set", "net=user", "--memory", "512G"]


# Plugins, the keys that each needs, and whether it takes a line of the interrupt controller.
KINDS = [("pvpanic", "", False), ("debug-exit", "port.ports = {port}\n", False),
         ("uart16550", "char = null\n", True), ("goldfish-rtc", "", True),
         ("virtio-rng", "bus = virtio-mmio\n", True),
         ("acpi-sample", "port.ports = {port}\nport.many = {port2}\n", True)]


def random_machine(rng, path):
    ports = iter(rng.sample(range(0x1000, 0xf000, 0x200), 100))
    n_lines, text = 0, "[machine]\narch = x86_64\ncpus = %d\nmemory = %dM\n" % (
        rng.choice([1, 2, 3, 16, 64]), rng.choice([16, 100, 1024, 3072, 3073, 5120, 1 << 19]))
    if rng.random() < 0.7:
        text += "[device power]\nplugin = acpi-pm\nport.ports = 0x600\nirq.sci = 9\n"
    for i in range(rng.choice([1, 5, 20, 60, 199])):
        plugin, keys, has_line = rng.choice(KINDS if n_lines < 8 else KINDS[:1])
        n_lines += has_line * 2
        if "{port" in keys:
            keys = keys.format(port=hex(next(ports)), port2=hex(next(ports)))
        text += "[device d%d]\nplugin = %s\n%s" % (i, plugin, keys)
        if plugin == "pvpanic" and rng.random() < 0.3:
            text += "mmio.regs = 0x%x\n" % (0xc0000000 + 0x1000 * i)
    path.write_text(text)


def tests(run):
    """The tests, as functions without arguments, on what `run` (tests/tables/run) offers."""
    def need_tools():
        if not acpi.is_installed():
            raise run.Skip("iasl and acpiexec are not installed (package acpica-tools)")

    def take_plugin():
        (run.WORK / "acpi-plugins").mkdir(exist_ok=True)
        built = run.BUILD / "tests/unit/plugins/acpi-sample.so"
        if not built.exists():
            raise run.Skip("%s is not built: make tests" % built)
        shutil.copy(built, run.WORK / "acpi-plugins")

    def acpi_of_the_machines_equals_their_maps():
        take_plugin()
        need_tools()
        for i, (file, args) in enumerate(shipped(run)):
            check(Machine(run, "shipped%d" % i, file, *args))

    def acpi_of_everything_a_plugin_can_say_equals_the_map():
        take_plugin()
        need_tools()
        file = run.WORK / "sample.ini"
        file.write_text(SAMPLE)
        m = Machine(run, "sample", file)
        check(m)
        assert {"MCFG", "SPCR", "FACS"} <= set(m.tables)
        first = m.devices()[[d["name"] for d in m.devices()].index("s")]
        path = first["acpi_path"]
        regs, line = int(first["regions"][0]["base"], 0), first["lines"][0]["number"]
        got = acpi.evaluate(m.dsdt, [path + ".TEST", path + ".BIGN", path + ".KBD._CRS"])
        assert got[path + ".TEST"] == regs + line and got[path + ".BIGN"] == 0x123456789abcdef0
        assert acpi.resources(got[path + ".KBD._CRS"]) == [
            acpi.Resource("port", 0x300, 2),
            acpi.Resource("edge", first["lines"][1]["number"], 1)]
        where = run.describe(file, "--plugin-dir", run.WORK / "acpi-plugins", "--who",
                             "port0x301").stdout.decode()
        assert "ACPI: %s.KBD, _CRS" % path in where, where

    def acpi_methods_in_asl_are_evaluated():
        take_plugin()
        need_tools()
        m = Machine(run, "sample", run.WORK / "sample.ini")
        osc = "\\_SB._OSC (%s) %%d 2 (00 00 00 00 FF FF FF FF)"
        ours = osc % "6E B0 11 08 27 4A F9 44 8D 60 3C BB C2 2E 7B 48"
        other = osc % "6F B0 11 08 27 4A F9 44 8D 60 3C BB C2 2E 7B 48"
        got = acpi.evaluate(m.dsdt, [ours % 1, ours % 2, other % 1])
        assert got[ours % 1] == bytes([0x10] + 7 * [0])
        assert got[ours % 2] == bytes([8, 0, 0, 0] + 4 * [0xFF])
        assert got[other % 1] == bytes([4, 0, 0, 0] + 4 * [0xFF])
        for device in m.of_plugin("pvpanic"):
            path = device["acpi_path"]
            text = acpi.acpiexec(m.dsdt, ["evaluate %s.WRPT 5" % path, "evaluate %s.RDPT" % path])
            assert "[Integer] = 0000000000000005" in text, text[-1000:]

    def iasl_would_have_found_a_mistake():
        take_plugin()
        need_tools()
        path = run.WORK / "bad.aml"
        good = (run.WORK / "sample/dsdt.aml").read_bytes()
        for old, new in [(b"\x08_STA\x0a\x0f", b"\x08_HID\x0a\x0f"),  # a name twice
                         (b"\x79\x00", b"\x79\x01")]:               # a wrong resource checksum
            assert old in good
            bad = bytearray(good.replace(old, new, 1))
            bad[9] = (bad[9] - sum(bad)) % 256
            path.write_bytes(bad)
            assert acpi.recompile(path), "nothing was said about %s" % new

    def acpi_of_random_machines_equals_their_maps():
        take_plugin()
        rng = random.Random(run.SEED)
        for i in range(run.N_MACHINES):
            file = run.WORK / ("x%d.ini" % i)
            random_machine(rng, file)
            # Some through iasl and acpiexec, which take longer than all the rest.
            check(Machine(run, "x%d" % i, file), i % 20 == 0 and acpi.is_installed())

    def asl_is_what_iasl_makes_of_the_tables():
        need_tools()
        take_plugin()
        text = run.describe(run.WORK / "sample.ini", "--plugin-dir", run.WORK / "acpi-plugins",
                            "--asl").stdout
        source = run.WORK / "asl.dsl"
        source.write_bytes(text)
        assert text.startswith(b"DefinitionBlock")
        run.tool("iasl", "-p", run.WORK / "asl", source)
        made = (run.WORK / "asl.aml").read_bytes()
        assert made[36:] == (run.WORK / "sample/dsdt.aml").read_bytes()[36:]

    def what_an_architecture_does_not_have_is_one_sentence():
        file = run.WORK / "plain.ini"
        file.write_text("[machine]\narch = x86_64 riscv64\n")
        for arch, options, said in [
                ("x86_64", ["--dts"], "x86_64 machines have none, they have ACPI: use --acpi"),
                ("riscv64", ["--e820"], "they have a device tree (--dts)"),
                ("riscv64", ["--asl"], "they have a device tree (--dts)"),
                ("riscv64", ["--acpi", run.WORK / "none"], "they have a device tree (--dts)"),
                ("x86_64", ["--acpi", "/dev/null"], "cannot be written: Not a directory"),
                ("x86_64", ["--acpi", "/nonexistent/x"], "the directory cannot be made"),
                ("x86_64", ["--acpi", "/dev/full/x"], "the directory cannot be made")]:
            error = run.describe(file, "--arch", arch, *options, status=1).stderr.decode()
            assert said in error and error.count("\n") == 1, error
        assert not (run.WORK / "none").exists()

    return [acpi_of_the_machines_equals_their_maps,
            acpi_of_everything_a_plugin_can_say_equals_the_map,
            acpi_methods_in_asl_are_evaluated,
            iasl_would_have_found_a_mistake,
            acpi_of_random_machines_equals_their_maps,
            asl_is_what_iasl_makes_of_the_tables,
            what_an_architecture_does_not_have_is_one_sentence]
