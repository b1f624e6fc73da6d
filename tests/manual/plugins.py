"""`plugin info`: sections that can be pasted, and schemas that say what the program says."""
import json
import re
import subprocess

from common import ARCHS, PROGRAM, STRANGE, WORK, Skip, backplane, ids, info, strange_dir, strange_is_built

FREE_TEXT = re.compile(r"^(# )?([a-z0-9_-]+) = TEXT$", re.MULTILINE)


def every_plugin():
    """(id, what info --json says, options that find it)"""
    found = [(plugin, info(plugin), []) for plugin in ids()]
    if not strange_is_built():
        return found
    options = ["--plugin-dir", strange_dir()]
    found.append((STRANGE, json.loads(backplane("plugin", "info", STRANGE, "--json", *options)),
                  options))
    return found


def schema_of(plugin, options):
    return json.loads(backplane("plugin", "info", plugin, "--schema", *options))


def archs_of(about):
    return [arch for arch in ARCHS if arch in about["arch"]]


def machine_with(section, about, arch):
    """The section, in a machine that supplies what it requires: lines need a controller."""
    needs_plic = arch == "riscv64" and "bp.irqchip/1" not in about["offers"]
    return "[machine]\narch = %s\n%s\n%s" % (
        arch, "[device plic]\nplugin = plic\n" if needs_plic else "", section)


def check(text, *options):
    file = WORK / "section.ini"
    file.write_text(text)
    done = subprocess.run([str(PROGRAM), "check", str(file), *map(str, options)],
                          capture_output=True, text=True, timeout=60)
    return done.returncode, done.stderr


def with_all_keys(section):
    """Also those behind #. Free text that a plugin may refuse is left empty."""
    return FREE_TEXT.sub(r"\2 =", re.sub("^# ", "", section, flags=re.MULTILINE))


# --- sections ----------------------------------------------------------------------------------
def sections_can_be_pasted_as_they_are():
    for plugin, about, options in every_plugin():
        for arch in archs_of(about):
            status, said = check(machine_with(about["section"], about, arch), *options)
            assert status == 0, "%s on %s: %s" % (plugin, arch, said)


def sections_can_be_pasted_into_a_machine_for_all_architectures():
    for plugin, about, options in every_plugin():
        text = machine_with(about["section"], about, "x86_64 arm64 riscv64")
        for arch in ARCHS:
            if arch == "riscv64" and "bp.irqchip/1" not in about["offers"]:
                text += "\n[device plic]\nplugin = plic\narch = riscv64\n"
            status, said = check(text, "--arch", arch, *options)
            assert status == 0, "%s on %s: %s" % (plugin, arch, said)


def sections_can_be_pasted_with_every_key_that_they_show():
    for plugin, about, options in every_plugin():
        for arch in archs_of(about):
            section = with_all_keys(about["section"])
            assert "\n# " not in section
            status, said = check(machine_with(section, about, arch), *options)
            assert status == 0, "%s on %s: %s\n%s" % (plugin, arch, said, section)


def sections_show_every_key_that_there_is():
    for plugin, about, options in every_plugin():
        if about["carries"]:
            continue  # shows the section of what it carries
        keys = set(re.findall(r"^(?:# )?([a-z0-9._-]+)(?:@x86_64)? =", about["section"], re.MULTILINE))
        rows = about["properties"] + [row for row in about["links"] if not row["carrying"]]
        wanted = {row["name"] for row in rows} | {
            row["key"] for row in about["regions"] + about["lines"]}
        assert wanted <= keys, "%s: %s" % (plugin, wanted - keys)
        for transport in about["transports"]:
            assert {row["key"] for row in info(transport)["regions"]} <= keys, plugin


def a_key_or_value_that_is_wrong_would_have_been_found():
    about = info("uart16550")
    for wrong, wanted in (("reg-shfit = 1", "no such key"), ("reg-shift = 9", "0-4 are allowed")):
        status, said = check(machine_with(about["section"] + wrong + "\n", about, "arm64"))
        assert status == 1 and wanted in said, said


def text_and_json_show_the_same_section():
    for plugin, about, options in every_plugin():
        text = backplane("plugin", "info", plugin, *options)
        assert text.endswith("\n\n" + about["section"]), plugin
        wide = [line for line in text.splitlines() if len(line) > 80 and "/" not in line]
        assert not wide, (plugin, wide)
        assert not re.search("[\x00-\x09\x0b-\x1f\x7f]", text), plugin


# --- schemas -----------------------------------------------------------------------------------
def validator(plugin, options):
    try:
        import jsonschema
    except ImportError:
        raise Skip("python3-jsonschema is not installed") from None
    schema = schema_of(plugin, options)
    jsonschema.Draft202012Validator.check_schema(schema)
    return schema, jsonschema.Draft202012Validator(schema)


def first_section(text):
    """The keys of the first section, as texts."""
    found = {}
    for line in text.split("\n\n")[0].splitlines()[1:]:
        key, value = re.match(r"([^ =@]+)(?:@\w+)? =(?: (.*))?$", line).groups()
        value = value or ""
        if value.startswith('"'):
            value = re.sub(r"\\(.)", r"\1", value[1:-1])
        found[key] = value.replace("$$", "$")
    return found


def typed(texts, schema):
    """As JSON: what an integer or a boolean is, the schema says."""
    found = {}
    for key, text in texts.items():
        kind = schema["properties"].get(key, {}).get("type")
        if kind == "integer":
            shift = "KMGT".find(text[-1].upper()) + 1
            found[key] = int(text[:-1] if shift else text, 0) << 10 * shift
        elif kind == "boolean":
            found[key] = text in ("yes", "true", "on", "1")
        else:
            found[key] = text
    return found


def own_section(about):
    """All keys; of a transport, which has no section of its own, those that it would have."""
    if not about["carries"]:
        return with_all_keys(about["section"])
    kept = [line for line in with_all_keys(about["section"]).splitlines()
            if re.match(r"\[|mmio|irq|dma", line)]
    return "\n".join([kept[0], "plugin = " + about["id"]] + kept[1:])


def schemas_are_schemas_and_accept_the_sections():
    for plugin, about, options in every_plugin():
        schema, valid = validator(plugin, options)
        assert schema["additionalProperties"] is False and "plugin" in schema["required"]
        section = typed(first_section(own_section(about)), schema)
        texts = {key for key, value in section.items() if value == "" and key != "if"}
        for key in texts:  # that the test has emptied
            section[key] = "x" * max(1, schema["properties"][key].get("minLength", 1))
        problems = [error.message for error in valid.iter_errors(section)]
        assert not problems, (plugin, problems, section)


def schemas_have_every_key_with_its_text_range_and_default():
    for plugin, about, options in every_plugin():
        keys = schema_of(plugin, options)["properties"]
        for row in about["properties"]:
            key = keys[row["name"]]
            assert key["description"] and ("default" in key) == (row["default"] is not None), row
            if row["type"] in ("u32", "u64", "size"):
                assert key["minimum"] == row.get("min", 0), row
                most = row.get("max", 2**32 - 1 if row["type"] == "u32" else 2**64 - 1)
                assert key["maximum"] == most, row
            if row["type"] == "choice":
                assert key["enum"] == row["choices"], row
            if row["type"] == "bool":
                assert key["type"] == "boolean", row
        for row in about["regions"] + about["lines"]:
            assert keys[row["key"]]["type"] == "integer", row


def wrong_values(key, rule):
    """Values that a schema refuses, with what a machine file would have instead."""
    if "const" in rule:
        return [(rule["const"] + "x", rule["const"] + "x")]
    if rule["type"] == "boolean":
        return [("yes", None), (1, None), (None, "maybe")]
    if rule["type"] == "integer":
        most = rule["maximum"] + 1
        found = [("1", None), (1.5, "1.5"), (True, None), (-1, "-1"), (most, str(most))]
        if rule["minimum"] > 0:
            found.append((rule["minimum"] - 1, str(rule["minimum"] - 1)))
        return found
    found = [(1, None), (None, None)]
    if "enum" in rule:
        found.append(("bogus", "bogus"))
    if "maxLength" in rule:
        found.append(("x" * (rule["maxLength"] + 1), None if rule["maxLength"] > 150 else
                      "x" * (rule["maxLength"] + 1)))
    return found


def schemas_refuse_what_the_program_refuses():
    for plugin, about, options in every_plugin():
        schema, valid = validator(plugin, options)
        good = typed(first_section(own_section(about)), schema)
        for key in schema["required"]:
            less = {k: v for k, v in good.items() if k != key}
            assert not valid.is_valid(less), "%s without %s" % (plugin, key)
        assert not valid.is_valid(dict(good, **{"no-such-key": "x"})), plugin
        base = [line for line in with_all_keys(about["section"]).splitlines()]
        for key, rule in schema["properties"].items():
            for value, text in wrong_values(key, rule):
                if value is not None:
                    assert not valid.is_valid(dict(good, **{key: value})), (plugin, key, value)
                if text is None or key in ("plugin", "bus") or about["carries"]:
                    continue
                lines = [re.sub(r"=.*", "= " + text, line)
                         if re.match(re.escape(key) + r"(@\w+)? =", line) else line for line in base]
                status, said = check(machine_with("\n".join(lines) + "\n", about,
                                                  archs_of(about)[0]), *options)
                assert status == 1 and "%s" % key in said and "no such key" not in said, (
                    plugin, key, text, said)


TESTS = [
    sections_can_be_pasted_as_they_are,
    sections_can_be_pasted_into_a_machine_for_all_architectures,
    sections_can_be_pasted_with_every_key_that_they_show,
    sections_show_every_key_that_there_is,
    a_key_or_value_that_is_wrong_would_have_been_found,
    text_and_json_show_the_same_section,
    schemas_are_schemas_and_accept_the_sections,
    schemas_have_every_key_with_its_text_range_and_default,
    schemas_refuse_what_the_program_refuses,
]
