# Who includes whom. Input: the layers file, then "FILE:LINE:#include ..." lines on the next one.
# -v files=LIST: a file that lists every source file, to resolve quoted names.

function report(rule, text) {
    printf "%s:%s: %s: %s\n", file, line, rule, text
}

function matches(path, pattern) { # shell-like, * only
    gsub(/[.]/, "[.]", pattern)
    gsub(/[*]/, ".*", pattern)
    return path ~ ("^" pattern "$")
}

function layer_of(path, parts) {
    return split(path, parts, "/") > 2 && parts[1] == "vmm" ? parts[2] : ""
}

function resolve(name, near) {
    near = file
    sub(/[^\/]*$/, name, near)
    while (sub(/[^\/]+\/\.\.\//, "", near))
        ;
    if (near in exists) return near
    if (("vmm/" name) in exists) return "vmm/" name
    if (("sdk/host/" name) in exists) return "sdk/host/" name
    if (("sdk/bench/" name) in exists) return "sdk/bench/" name
    if (("tests/" name) in exists) return "tests/" name
    if (("sdk/include/" name) in exists) return "sdk/include/" name
    return ""
}

function folder(path, depth, parts, i, n, text) {
    n = split(path, parts, "/")
    for (i = 1; i <= depth && i < n; i++) text = text parts[i] "/"
    return text
}

function check_angle(name) {
    # The bench is for tests, and for itself.
    if (name ~ /^backplane\/bench/ && (("sdk/bench/" name) in exists)) {
        if (file !~ /^sdk\/(bench|template)\/|^tests\/|_test\.c$|^vmm\/check\//)
            report("sdk", "<" name "> is for tests and vmm/check")
        return
    }
    if (name ~ /^backplane\//) {
        if (!(("sdk/include/" name) in exists)) report("include", "<" name "> is not in sdk/include")
        return
    }
    if (file ~ /^tests\/|_test\.c$/) return
    for (owned in owner)
        if (name == owned && !matches(file, owner[owned]))
            report("owner", "<" name "> is only for " owner[owned])
    if (file ~ /^sdk\/include\// && name !~ /^(stdint|stddef|stdbool|string|limits|inttypes)\.h$/)
        report("sdk", "<" name ">: an installed header includes plain C headers and the SDK only")
}

function check_vmm(target, from, to) {
    from = layer_of(file)
    to = layer_of(target)
    if (target ~ /^sdk\/host\//) return
    if (to == "") { report("layer", "the program does not include " target); return }
    if (!(from in rank)) { report("layer", "vmm/" from " has no place in tests/lint/layers"); return }
    if (!(to in rank)) { report("layer", "vmm/" to " has no place in tests/lint/layers"); return }
    if (from == to || rank[to] < rank[from] || ((from, to) in sideways)) return
    report("layer", from " may not include " to " (" target ")")
}

# AML that iasl has made is data: whoever describes a device to ACPI may include it.
function is_aml(name) {
    return sub(/\.h$/, ".asl", name) && (("firmware/" name) in exists)
}

function check_quoted(name, target) {
    if (is_aml(name)) return
    target = resolve(name)
    if (target == "") { report("include", "\"" name "\" is found nowhere"); return }
    if (file ~ /^tests\/|_test\.c$/) return
    if (file ~ /^vmm\//) check_vmm(target)
    else if (file ~ /^sdk\/include\//) report("sdk", "installed headers use <backplane/...>")
    else if (file ~ /^sdk\// && target !~ /^sdk\//) report("sdk", "the SDK does not know " target)
    else if (file ~ /^plugins\// && folder(target, 2) != folder(file, 2))
        report("plugin", "a plugin knows the SDK and its own folder, not " target)
}

BEGIN { while ((getline name < files) > 0) exists[name] = 1 }
FNR == NR && $1 == "layer" { rank[$2] = $3 }
FNR == NR && $1 == "sideways" { sideways[$2, $3] = 1 }
FNR == NR && $1 == "owner" { owner[$2] = $3 }
FNR == NR { next }
{
    split($0, place, ":")
    file = place[1]; line = place[2]
    if (match($0, /<[^>]+>/)) check_angle(substr($0, RSTART + 1, RLENGTH - 2))
    else if (match($0, /"[^"]+"/)) check_quoted(substr($0, RSTART + 1, RLENGTH - 2))
}
