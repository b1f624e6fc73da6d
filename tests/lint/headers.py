#!/usr/bin/env python3
"""headers.py [FOLDER]: what the SDK's headers must say, and may use, as a script.

FOLDER is the installed include folder, sdk/include if none is named. Prints "FILE:LINE: RULE: what is
missing" for each finding. The rules, for backplane/*.h and backplane/if/*.h (what lib/*.h declares is
linked into the plugin: of these rules it obeys thread, errors, result, callback and unit):

  abi          fixed-width integers, char behind pointers or in arrays, pointers, structs. No enum,
               bool, bit field, union, varargs, long, int, size_t, FILE
  struct-size  a struct begins with uint32_t struct_size, or it is the row of an array that carries a
               stride, or such an array, or stands in FIXED below, with its reason
  legend       the comment at the head of abi.h explains thread tags, ownership, errors and units
  thread       every function and callback has a thread tag of that legend
  errors       what returns int32_t says which BP_ERR_* or status that is, and when
  result       what returns anything else says what that is
  owner        a pointer that is returned, handed out or kept in a struct: how long it is valid; a
               handle that is handed out: what ends it
  callback     a function that is an argument is named in the text, with the tag of its calls
  unit         times, rates and lengths have their unit in the name or in the text

The text of a member is the comment before it, which also holds for the members that follow without
a blank line or another comment, and the one behind it on its line. A sentence with "All", "Each",
"Every" or "Everything" in the comment before the struct, or at the head of the file, is part of it.
"""

import os
import re
import sys

TOKEN = re.compile(r'/\*.*?\*/|//[^\n]*|"(?:\\.|[^"\\])*"|[A-Za-z_]\w*|\d[\w.]*|\.\.\.|\S', re.S)
SCALARS = {f"{sign}int{bits}_t" for sign in ("", "u") for bits in (8, 16, 32, 64)} | {"bp_handle"}
TAG = re.compile(r"\[(setup|dev|any|pure|worker)\]")
TAGS = ("setup", "dev", "any", "pure", "worker")
LEGEND = ("Thread tags", "Ownership", "Errors", "Units")
GENERAL = re.compile(r"\b(All|Each|Every|Everything)\b")
ERRORS = re.compile(r"\bBP_(ERR_\w+|OK|PENDING)\b|\bstatus\b|\b[Ee]rrors?\b|\bFails as\b")
OWNER = re.compile(r"\b(lives?|valid|cop(y|ied)|outlives?|until|belongs?|caller'?s?|host'?s|device'?s|"
                   r"for the time|freed|ends? it|ended|literal|for ever)\b", re.I)
TIMES = re.compile(r"(^|_)(time|timeout|deadline|delay|period|clock|now|wall|hz|freq|frequency|rate|"
                   r"timebase|speed|ticks)(_|$)")
LENGTHS = re.compile(r"(^|_)(length|len|capacity|align|mtu|memory)(_|$)")
UNIT_NAME = re.compile(r"(_ns|_us|_ms|_s|_hz|_bytes|_bps|ticks)$|^hz$|_hz_")
UNIT_TEXT = re.compile(r"\b(ns|nanoseconds?|seconds?|Hz|bits?/s|bytes?|ticks?|counter)\b", re.I)
FIXED = {
    "bp_note": "lies in the file; its size is in it, as desc_size",
    "bp_virtio_used": "an array of push_many: never grows",
}


class Member:
    """A declaration: its name, tokens, line, and the text that goes with it."""

    def __init__(self, tokens, line, text):
        self.tokens, self.line, self.text = tokens, line, text
        self.name, self.result, self.parameters = split_declaration(tokens)


class Struct:
    def __init__(self, name, line, text, members):
        self.name, self.line, self.text, self.members = name, line, text, members


def read_tokens(text):
    """(token, line, last line), without what the preprocessor is told."""
    def blank(match):
        return "\n" * match[0].count("\n")

    text = re.sub(r"^[ \t]*#[ \t]*ifdef __cplusplus.*?^[ \t]*#[ \t]*endif[^\n]*", blank, text, flags=re.S | re.M)
    text = re.sub(r"^[ \t]*#(?:[^\n\\]|\\.|\\\n)*", blank, text, flags=re.M)
    found = []
    for match in TOKEN.finditer(text):
        line = text.count("\n", 0, match.start()) + 1
        found.append((match[0], line, line + match[0].count("\n")))
    return found


def closing(tokens, at):
    depth = 0
    for i in range(at, len(tokens)):
        token = tokens[i] if isinstance(tokens[i], str) else tokens[i][0]
        depth += token in ("(", "[", "{")
        depth -= token in (")", "]", "}")
        if depth == 0:
            return i
    return len(tokens) - 1


def split_declaration(tokens):
    """(name, tokens of the type or result, None or list of parameters as token lists)"""
    tokens = [t for t in tokens if t not in ("static", "inline", "extern", "typedef")]
    while "__attribute__" in tokens:
        at = tokens.index("__attribute__")
        tokens = tokens[:at] + tokens[closing(tokens, at + 1) + 1:]
    if "(" in tokens:
        at = tokens.index("(")
        if tokens[at + 1:at + 2] == ["*"]:  # RESULT (*NAME)(PARAMETERS)
            name, rest = tokens[at + 2], closing(tokens, at) + 1
        else:
            name, rest, at = tokens[at - 1], at, at - 1
        inner, parameters, begin = tokens[rest + 1:closing(tokens, rest)], [], 0
        i = 0
        while i <= len(inner):
            if i == len(inner) or inner[i] == ",":
                parameters.append(inner[begin:i])
                begin = i + 1
            elif inner[i] == "(":
                i = closing(inner, i)
            i += 1
        return name, tokens[:at], [p for p in parameters if p and p != ["void"]]
    at = tokens.index("[") if "[" in tokens else len(tokens)
    at = tokens.index(":") if ":" in tokens else at
    words = [t for t in tokens[:at] if re.match(r"[A-Za-z_]", t)]
    name = words[-1] if len(words) > 1 and tokens[at - 1] != "*" else ""
    return name, tokens[:at - 1] if name else tokens[:at], None


def plain(comment):
    comment = re.sub(r"^//|^/\*+|\*/$", "", comment)
    return re.sub(r"\n[ \t]*\*?[ \t]?", "\n", comment).strip()


def read_members(tokens):
    """Members of a struct's body, each with its text."""
    members, before, group, start, i = [], "", "", None, 0
    words, last_end = [], None
    while i < len(tokens):
        token, line, end = tokens[i]
        if token.startswith(("/*", "//")):
            if members and not words and line == last_end:
                members[-1].text += " " + plain(token)
                members[-1].behind = True
            else:
                before = (before + " " if before and not words else "") + plain(token)
        elif token == "{":
            inside = closing(tokens, i)
            members += read_members(tokens[i + 1:inside])
            i, words = inside, ["struct"]
        elif token == ";":
            if words and words[0] == "struct" and len(words) <= 2:
                words = []  # the end of a struct within a struct
            elif words:
                if not before and last_end is not None and start > last_end + 1:
                    group = ""
                group = before or group
                members.append(Member(words, start, group))
            before, words, last_end = "", [], end
        else:
            start = line if not words else start
            words = words + [token]
        i += 1
    return members


def read_header(path):
    """(text at the head, structs, functions and types)"""
    with open(path, encoding="utf-8") as file:
        tokens = read_tokens(file.read())
    head, structs, others, i, comment, last_end = "", [], [], 0, "", 0
    if tokens and tokens[0][0].startswith("/*"):
        head = plain(tokens[0][0])
    while i < len(tokens):
        token, line, _ = tokens[i]
        if token.startswith(("/*", "//")):
            comment = plain(token)
            i += 1
            continue
        end = i
        while end < len(tokens) and tokens[end][0] not in (";", "{"):
            end = closing(tokens, end) + 1 if tokens[end][0] in ("(", "[") else end + 1
        words = [t[0] for t in tokens[i:end] if not t[0].startswith(("/*", "//"))]
        if end < len(tokens) and tokens[end][0] == "{":
            close = closing(tokens, end)
            if "(" in words:
                others.append(Member(words, line, comment))
            elif words[:1] == ["struct"] and len(words) == 2:
                structs.append(Struct(words[1], line, comment, read_members(tokens[end + 1:close])))
            else:
                others.append(Member(words + ["{"], line, comment))
            end = close
            if end + 1 < len(tokens) and tokens[end + 1][0] == ";":
                end += 1
        elif words and not (words[0] == "struct" and len(words) == 2):
            others.append(Member(words, line, comment))
        if end < len(tokens):
            last_end = tokens[end][2]
        i = end + 1
        if i < len(tokens) and tokens[i][1] > last_end + 1:
            comment = ""  # a blank line ends what it is for
    return head, structs, others


# --- rules -------------------------------------------------------------------------------------
def wrong_type(tokens, is_parameter=False):
    """What in a type does not belong into the ABI, or None. Without names."""
    if "..." in tokens:
        return "varargs"
    if ":" in tokens:
        return "a bit field"
    words, i = [], 0
    while i < len(tokens):
        if tokens[i] == "struct":
            i += 2
            words.append("struct")
            continue
        if re.match(r"[A-Za-z_]", tokens[i]) and tokens[i] not in ("const", "volatile"):
            words.append(tokens[i])
        i += 1
    for word in words:
        if word not in SCALARS | {"struct", "char", "void"}:
            return word
    if not words:
        return "no type"
    pointer = "*" in tokens
    if words[0] == "void" and not pointer and is_parameter:
        return "void"
    if words[0] == "struct" and not pointer and is_parameter:
        return "a struct by value"
    return None


def check_types(member):
    """Each type within one declaration, callbacks' parameters too."""
    _, result, parameters = split_declaration(member.tokens)
    if parameters is None:
        if ":" in member.tokens:
            return "a bit field"
        bare = result == ["char"] and "[" not in member.tokens
        return "a single char" if bare else wrong_type(result)
    if result != ["void"] and wrong_type(result, True):
        return wrong_type(result, True)
    for parameter in parameters:
        if parameter == ["..."]:
            return "varargs"
        if "(" in parameter:
            found = check_types(Member(parameter, 0, ""))
        else:
            name, kind, _ = split_declaration(parameter)
            found = wrong_type(kind if name else parameter, True)
        if found:
            return found
    return None


def general(text):
    """The sentences that hold for everything below."""
    flat = re.sub(r"\s+", " ", text)
    return " ".join(s for s in re.split(r"(?<=[.;:])\s", flat) if GENERAL.search(s))


def is_named_with_tag(name, text):
    flat = re.sub(r"\s+", " ", text)
    return any(TAG.search(flat[m.end():m.end() + 90]) for m in re.finditer(rf"\b{name}\b", flat))


class Checker:
    def __init__(self, root):
        self.root, self.found, self.rows, self.files = root, [], set(), {}

    def say(self, path, line, rule, text):
        self.found.append(f"{path}:{line}: {rule}: {text}")

    def check_function(self, path, where, member, text, is_abi):
        name, result = f"{where}{member.name}", [t for t in member.result if t != "const"]
        if not TAG.search(text):
            self.say(path, member.line, "thread", f"{name}: no thread tag: one of " +
                     " ".join(f"[{t}]" for t in TAGS) + ", see abi.h")
        words = re.findall(r"[A-Za-z]{2,}", TAG.sub("", member.text))
        if result == ["int32_t"] and not ERRORS.search(text):
            self.say(path, member.line, "errors", f"{name}: which status does it return, and when?")
        elif result not in (["int32_t"], ["void"]) and len(words) < 2:
            self.say(path, member.line, "result", f"{name}: what does it return?")
        if is_abi and "*" in result and not OWNER.search(text):
            self.say(path, member.line, "owner", f"{name}: how long is what it returns valid?")
        for parameter in member.parameters:
            self.check_parameter(path, name, member, parameter, text, is_abi)

    def check_parameter(self, path, name, member, parameter, text, is_abi):
        if parameter == ["..."]:
            return
        if "(" in parameter:
            inner = split_declaration(parameter)[0]
            if not is_named_with_tag(inner, text):
                self.say(path, member.line, "callback",
                         f"{name}: when and how is {inner} called? Its name, then a tag")
            return
        inner, kind, _ = split_declaration(parameter)
        if is_abi and (kind.count("*") > 1 or kind == ["bp_handle", "*"]) and not OWNER.search(text):
            self.say(path, member.line, "owner", f"{name}: how long is {inner} valid, what ends it?")
        if "*" not in kind or "struct" not in kind:
            self.check_unit(path, f"{name}, {inner}", member.line, inner, text)

    def check_unit(self, path, name, line, word, text):
        if (TIMES.search(word) or LENGTHS.search(word)) and not UNIT_NAME.search(word) and \
                not UNIT_TEXT.search(text):
            self.say(path, line, "unit", f"{name}: in which unit? In its name or the text")

    def check_struct(self, path, head, struct, is_abi):
        above = general(struct.text) + " " + general(head)
        first = struct.members[0].tokens if struct.members else []
        names = [m.name for m in struct.members]
        if is_abi and first != ["uint32_t", "struct_size"] and struct.name not in self.rows and \
                names != ["rows", "n_rows", "stride"] and struct.name not in FIXED:
            self.say(path, struct.line, "struct-size", f"struct {struct.name} begins with uint32_t "
                     "struct_size, or the array of its rows carries a stride")
        for member in struct.members:
            text, where = f"{member.text} {above}", f"{struct.name}."
            problem = check_types(member) if is_abi else None
            if problem:
                self.say(path, member.line, "abi", f"{where}{member.name}: {problem}: fixed-width "
                         "integers and pointers only")
            if member.parameters is not None:
                self.check_function(path, where, member, text, is_abi)
            elif is_abi and "*" in member.tokens:
                if member.name not in ("rows", "ctx") and not OWNER.search(text):
                    self.say(path, member.line, "owner",
                             f"{where}{member.name}: whose is it, and how long is it valid?")
            else:
                self.check_unit(path, where + member.name, member.line, member.name, text)

    def check_other(self, path, head, member, is_abi):
        if is_abi and "typedef" in member.tokens:
            problem = check_types(member)
        else:
            problem = member.tokens[0] if member.tokens[0] in ("enum", "union") else None
        if is_abi and problem:
            self.say(path, member.line, "abi", f"{member.name}: {problem}: fixed-width integers and "
                     "pointers only")
        if member.parameters is None:
            return
        if is_abi:
            self.say(path, member.line, "abi", f"{member.name}: a function: plugin and program share "
                     "no symbols, only tables of pointers")
        inline = "inline" in member.tokens
        if not inline:
            self.check_function(path, "", member, f"{member.text} {general(head)}", False)

    def read(self):
        for folder, _, names in os.walk(self.root):
            for name in sorted(n for n in names if n.endswith(".h")):
                path = os.path.join(folder, name)
                self.files[path] = read_header(path)
        for _, structs, _ in self.files.values():
            for struct in structs:
                if any(m.name.endswith("stride") for m in struct.members):
                    self.rows |= {m.tokens[m.tokens.index("struct") + 1] for m in struct.members
                                  if "struct" in m.tokens and "*" in m.tokens and m.parameters is None}

    def check(self):
        for path, (head, structs, others) in sorted(self.files.items()):
            is_abi = "/lib/" not in path[len(self.root):]
            if path.endswith("backplane/abi.h"):
                for word in LEGEND:
                    if word not in head:
                        self.say(path, 1, "legend", f"the head does not explain: {word}")
                for tag in TAGS:
                    if f"[{tag}]" not in head:
                        self.say(path, 1, "legend", f"the head does not explain: [{tag}]")
            for struct in structs:
                self.check_struct(path, head, struct, is_abi)
            for member in others:
                self.check_other(path, head, member, is_abi)


def main():
    checker = Checker(sys.argv[1] if len(sys.argv) > 1 else "sdk/include")
    checker.read()
    checker.check()
    print("\n".join(checker.found) + "\n" * bool(checker.found), end="")


main()
