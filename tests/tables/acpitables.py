"""ACPI tables as bytes, and what acpiexec says of a DSDT: for tests/tables/run. Offsets are typed from
ACPI 6.5 and share nothing with the code that writes the tables."""
import collections
import re
import shutil
import struct
import subprocess

Resource = collections.namedtuple("Resource", "kind base size")  # mem ram port edge level


def number(data, at, size):
    return int.from_bytes(data[at:at + size], "little")


def check_header(name, data):
    assert number(data, 4, 4) == len(data), "%s: length" % name
    if name != "FACS":
        assert sum(data) % 256 == 0, "%s: checksum" % name
        assert data[10:16] == b"BPLANE", name


def read_all(directory):
    """{signature: bytes} of a directory that describe --acpi has written."""
    tables = {}
    for path in directory.glob("*.aml"):
        if re.fullmatch(r"[a-z]{4}", path.stem):
            data = path.read_bytes()
            tables[data[:4].decode()] = data
            check_header(data[:4].decode(), data)
    return tables


def resources(data):
    """A _CRS buffer (ACPI 6.5, 6.4) as a list of Resource."""
    out, at = [], 0
    while True:
        tag = data[at]
        if tag == 0x79:
            assert at + 2 == len(data), "something behind the end tag"
            return out
        if tag == 0x47:
            decode, low, high, _, size = struct.unpack_from("<BHHBB", data, at + 1)
            assert decode == 1 and low == high
            out.append(Resource("port", low, size))
            at += 8
            continue
        size = number(data, at + 1, 2)
        body = data[at + 3:at + 3 + size]
        at += 3 + size
        if tag == 0x86:
            assert body[0] == 1
            out.append(Resource("mem", *struct.unpack_from("<II", body, 1)))
        elif tag == 0x89:
            assert body[1] == 1 and body[0] & 0xFD == 1  # one, consumer, active high, exclusive
            out.append(Resource("edge" if body[0] & 2 else "level", number(body, 2, 4), 1))
        else:
            width = {0x87: 4, 0x88: 2, 0x8A: 8}[tag]
            grain, low, high, shift, length = (number(body, 3 + i * width, width) for i in range(5))
            assert body[1] == 0x0D and grain == 0 and shift == 0 and high - low + 1 == length
            if body[0] == 1:
                out.append(Resource("port", low, length))
            else:
                assert body[0] == 0
                out.append(Resource("ram" if body[2] & 2 else "mem", low, length))


def eisa(value):
    text = int.from_bytes(value.to_bytes(4, "little"), "big")
    letters = "".join(chr(0x40 + (text >> shift & 31)) for shift in (26, 21, 16))
    return "%s%04X" % (letters, text & 0xFFFF)


def parse_value(lines):
    line = lines.pop(0).strip()
    if line.startswith("[Integer]"):
        return int(line.split("=")[1], 16)
    if line.startswith("[String]"):
        return re.search(r'= "(.*)"$', line).group(1)
    if line.startswith("[Buffer]"):
        wanted, data = int(re.match(r"\[Buffer\] Length ([0-9A-F]+)", line).group(1), 16), b""
        line = line.split("=", 1)[1]
        while True:
            dump = re.search(r"[0-9A-F]{4}: ([0-9A-F ]*)", line.split("//")[0])
            data += bytes.fromhex(dump.group(1)) if dump else b""
            if len(data) >= wanted:
                assert len(data) == wanted
                return data
            line = lines.pop(0)
    count = re.match(r"\[Package\] Contains (\d+) Elements", line)
    assert count, "acpiexec: %s" % line
    return [parse_value(lines) for _ in range(int(count.group(1)))]


def acpiexec(table, commands):
    done = subprocess.run(["acpiexec", str(table)], input="\n".join(commands + ["quit", ""]),
                          capture_output=True, text=True)
    text = done.stdout + done.stderr
    assert done.returncode == 0, text[-2000:]
    for word in ["AE_", "Error", "Warning", "rror:"]:
        found = [line for line in text.splitlines() if word in line]
        assert not found, "acpiexec: %s" % "; ".join(found[:3])
    return text


def evaluate(table, expressions):
    """{expression: value}, as acpiexec evaluates them."""
    text = acpiexec(table, ["evaluate " + e for e in expressions])
    parts = re.split(r"^Evaluation of (\S+) returned object.*\n", text, flags=re.MULTILINE)[1:]
    assert parts[::2] == [e.split()[0] for e in expressions], "acpiexec: %s" % text[-2000:]
    return {e: parse_value(part.splitlines()) for e, part in zip(expressions, parts[1::2])}


def find(table, name):
    """The paths of all objects of a name."""
    text = acpiexec(table, ["find " + name])
    return re.findall(r"^ *(\\(?:\S+\.)?%s) " % name, text, re.MULTILINE)


def recompile(path):
    """Disassembles a table and compiles that; returns what iasl has complained of, and what differs.
    The compiler's own name in the header (and so the checksum) is allowed to."""
    source, again = path.with_suffix(".dsl"), path.parent / (path.stem + "-again")
    complaints = []
    for old in (source, again.with_suffix(".aml")):
        old.unlink(missing_ok=True)
    for args in [["-d", path], ["-p", again, source]]:
        done = subprocess.run(["iasl", *map(str, args)], capture_output=True, text=True)
        text = done.stdout + done.stderr
        if done.returncode != 0:
            complaints.append("status %d" % done.returncode)
        complaints += [line for line in text.splitlines()
                       if re.search(r"error|warning|remark", line, re.IGNORECASE) and
                       not re.search(r"0 Errors, 0 Warnings, 0 Remarks", line)]
    made = again.with_suffix(".aml")
    if complaints or not made.exists():
        return complaints or ["iasl has made nothing"]
    old, new = bytearray(path.read_bytes()), bytearray(made.read_bytes())
    if old[:4] != b"FACS":
        for data in (old, new):
            data[9] = 0
            data[28:36] = bytes(8)
    differ = [i for i in range(min(len(old), len(new))) if old[i] != new[i]]
    if len(old) != len(new) or differ:
        return ["%d bytes became %d, the first that differs is %s" % (
            len(old), len(new), differ[:1])]
    return []


def is_installed():
    return shutil.which("iasl") is not None and shutil.which("acpiexec") is not None


def madt(data):
    """(local APIC address, flags, [(type, bytes)])"""
    rows, at = [], 44
    while at < len(data):
        rows.append((data[at], data[at:at + data[at + 1]]))
        at += data[at + 1]
    assert at == len(data)
    return number(data, 36, 4), number(data, 40, 4), rows
