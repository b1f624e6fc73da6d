"""A device tree blob as nodes (Devicetree Specification 0.4, chapter 5), for tests only: written
from the specification, shares nothing with the code under test."""
import struct


class Node:
    def __init__(self, name, parent):
        self.name, self.parent, self.props, self.children = name, parent, {}, []

    def path(self):
        if self.parent is None:
            return "/"
        above = self.parent.path()
        return (above if above != "/" else "") + "/" + self.name

    def walk(self):
        yield self
        for child in self.children:
            yield from child.walk()

    def cells(self, name):
        value = self.props[name]
        return list(struct.unpack(">%dI" % (len(value) // 4), value))

    def u32(self, name):
        (value,) = self.cells(name)
        return value

    def strings(self, name):
        return self.props[name].rstrip(b"\0").decode().split("\0")

    def regs(self):
        """(base, size) pairs of a node whose parent has two cells for each."""
        c = self.cells("reg")
        return [(c[i] << 32 | c[i + 1], c[i + 2] << 32 | c[i + 3]) for i in range(0, len(c), 4)]


def parse(blob):
    magic, total, off_struct, off_strings = struct.unpack_from(">4I", blob)
    assert magic == 0xD00DFEED and total == len(blob), "header"
    at, root, node = off_struct, None, None
    while True:
        (token,) = struct.unpack_from(">I", blob, at)
        at += 4
        if token == 1:
            end = blob.index(b"\0", at)
            child = Node(blob[at:end].decode(), node)
            if node is None:
                root = child
            else:
                node.children.append(child)
            node, at = child, (end + 4) & ~3
        elif token == 2:
            node = node.parent
        elif token == 3:
            size, name = struct.unpack_from(">2I", blob, at)
            start = off_strings + name
            key = blob[start:blob.index(b"\0", start)].decode()
            assert key not in node.props, "property twice: " + key
            node.props[key] = blob[at + 8:at + 8 + size]
            at = (at + 8 + size + 3) & ~3
        elif token == 9:
            assert node is None, "nodes left open"
            return root
        else:
            assert token == 4, "unknown token %d" % token
