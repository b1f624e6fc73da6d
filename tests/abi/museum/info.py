#!/usr/bin/env python3
"""info.py GOLDEN NAME FOUND: `plugin info --json` in FOUND tells all that GOLDEN has under NAME.

More may be told; what differs or is missing is printed. The path and the ABI's version are left out.
BP_ACCEPT=1 puts FOUND into GOLDEN.
"""

import json
import os
import sys


def compare(wanted, found, where):
    if isinstance(wanted, dict) and isinstance(found, dict):
        return [text for key in wanted for text in compare(wanted[key], found.get(key), f"{where}.{key}")]
    if isinstance(wanted, list) and isinstance(found, list) and len(wanted) == len(found):
        return [text for i, one in enumerate(wanted) for text in compare(one, found[i], f"{where}[{i}]")]
    return [] if wanted == found else [f"{where}: was {json.dumps(wanted)}, is {json.dumps(found)}"]


def main():
    golden, name, path = sys.argv[1:]
    with open(path, encoding="utf-8") as file:
        found = json.load(file)
    for key in ("path", "abi_major", "abi_minor"):
        found.pop(key, None)
    known = {}
    if os.path.exists(golden):
        with open(golden, encoding="utf-8") as file:
            known = json.load(file)
    if os.environ.get("BP_ACCEPT"):
        known[name] = found
        with open(golden, "w", encoding="utf-8") as file:
            json.dump(known, file, indent=1)
            file.write("\n")
    wrong = compare(known[name], found, name) if name in known else [f"{golden} has no {name}: BP_ACCEPT=1"]
    print("\n".join(wrong))
    sys.exit(bool(wrong))


main()
