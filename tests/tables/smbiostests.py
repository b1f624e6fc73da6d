"""SMBIOS: dmidecode, which knows the specification and not us, reads what describe --smbios writes."""
import re
import shutil

FILE = """[machine]
arch = x86_64
cpus = %d
memory = %dM
manufacturer = Example Works
product = Board 7
product-version = rev C
serial-number = 0042
uuid = 00112233-4455-6677-8899-AABBCCDDEEFF
"""


def sections(text):
    """The structures: {"System Information": [{"UUID": ...}]}."""
    found = {}
    for part in re.split(r"\n\n", text):
        lines = part.splitlines()
        if lines and lines[0].startswith("Handle "):
            found.setdefault(lines[1], []).append(dict(one.strip().split(": ", 1) for one in lines[2:] if ": " in one))
    return found


def tests(run):
    def read(machine, *args):
        if shutil.which("dmidecode") is None:
            raise run.Skip("no dmidecode")
        dump = run.WORK / "smbios.bin"
        run.describe(machine, "--arch", "x86_64", *args, "--smbios", dump)
        done = run.tool("dmidecode", "--from-dump", dump)
        text = done.stdout.decode() if isinstance(done.stdout, bytes) else done.stdout
        assert "SMBIOS 3.0.0 present." in text, text
        for sign in ("TRUNCATED", "OUT OF SPEC", "Wrong", "Invalid", "broken"):
            assert sign not in text, text
        return sections(text)

    def smbios_says_who_made_the_machine():
        file = run.WORK / "made.ini"
        file.write_text(FILE % (64, 512))
        found = read(file)
        system = found["System Information"][0]
        assert (system["Manufacturer"], system["Product Name"], system["Version"], system["Serial Number"]) == \
            ("Example Works", "Board 7", "rev C", "0042"), system
        assert system["UUID"].lower() == "00112233-4455-6677-8899-aabbccddeeff", system
        assert found["Chassis Information"][0]["Serial Number"] == "0042"
        assert found["Processor Information"][0]["Core Count"] == "64"
        plain = read(run.TOP / "machines/virt.ini")["System Information"][0]
        assert (plain["Manufacturer"], plain["Product Name"]) == ("Backplane", "virt"), plain

    def smbios_has_the_memory_of_the_map():
        file = run.WORK / "ram.ini"
        for mib in (16, 512, 3072, 5120, 524288):
            file.write_text(FILE % (1, mib))
            found = read(file)
            size = "%d GB" % (mib // 1024) if mib % 1024 == 0 else "%d MB" % mib
            assert found["Memory Device"][0]["Size"].replace("512 GB", size) == size, found["Memory Device"]
            ranges = [(int(one["Starting Address"].rstrip("k"), 16), int(one["Ending Address"].rstrip("k"), 16))
                      for one in found["Memory Array Mapped Address"]]
            assert sum(last - first + 1 for first, last in ranges) == mib << 20, ranges
            assert [first for first, _ in ranges] == [0, 1 << 32][:len(ranges)], ranges

    def a_device_tree_has_the_identity_too():
        file = run.WORK / "tree.ini"
        file.write_text((FILE % (1, 64)).replace("x86_64", "riscv64") + "[device plic]\nplugin = plic\n"
                        "[device timer]\nplugin = aclint\n")
        source = run.describe(file, "--dts").stdout.decode()
        assert 'model = "Board 7";' in source and 'serial-number = "0042";' in source, source[:500]
        refused = run.describe(file, "--smbios", "-", status=1).stderr.decode()
        assert "they have a device tree (--dts)" in refused, refused

    return [smbios_says_who_made_the_machine, smbios_has_the_memory_of_the_map, a_device_tree_has_the_identity_too]
