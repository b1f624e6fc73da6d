# Lengths of functions in the tree's layout: the body's braces stand alone in the first column.
# Reports each over -v hard=N lines, and the share of those over -v soft=N if it is above a tenth.

FNR == 1 { name = ""; start = 0 }
/^[A-Za-z_].*\(/ && !/;[ \t]*$/ {
    name = $0
    sub(/\(.*/, "", name)
    sub(/.*[ *]/, "", name)
}
/^\{/ { start = FNR }
/^\}/ {
    if (start && name != "") {
        total++
        length_now = FNR - start + 1
        if (length_now > soft) {
            over++
            list = list sprintf("  %s:%d: %s, %d lines\n", FILENAME, start, name, length_now)
        }
        if (length_now > hard)
            printf "%s:%d: function-length: %s has %d lines, over %d\n", FILENAME, start, name,
                length_now, hard
    }
    start = 0; name = ""
}
END {
    if (over * 10 > total)
        printf "tree: function-length: %d of %d functions are over %d lines, more than 1 in 10:\n%s",
            over, total, soft, list
}
