# What the scripts of tests/abi share. Sourced from the tree's root.
# shellcheck shell=bash

abi_log=docs/abi-log.md
frozen=tests/abi/frozen
export PYTHONDONTWRITEBYTECODE=1 # nothing is left behind in the tree

# Lines of "KIND ARCH COMPILER..."; without COMPILER where none is installed. BP_COMPILERS="gcc x86_64"
# leaves only those (a pattern of grep).
list_compilers() { list_all_compilers | grep -E "${BP_COMPILERS-.}"; }

list_all_compilers() {
    local arch triplet
    while read -r arch triplet; do
        if command -v "$triplet-gcc" >/dev/null; then
            echo "gcc $arch $triplet-gcc"
        elif [[ $(gcc -dumpmachine 2>/dev/null) == "${triplet%%-*}"-* ]]; then
            echo "gcc $arch gcc"
        else
            echo "gcc $arch"
        fi
        command -v clang >/dev/null && echo "clang $arch clang --target=$triplet" || echo "clang $arch"
    done <<'END'
x86_64 x86_64-linux-gnu
arm64 aarch64-linux-gnu
riscv64 riscv64-linux-gnu
END
}

# MAJOR.MINOR of the headers in a folder.
read_version() { # INCLUDE
    awk '$2 == "BP_ABI_MAJOR" { major = $3 + 0 } $2 == "BP_ABI_MINOR" { minor = $3 + 0 }
        END { print major "." minor }' "$1/backplane/abi.h"
}

# What the log says of a version: a date (it is released), "no" or "never"; nothing: it has no row.
read_release() { # VERSION
    awk -F'|' -v version="$1" '
        { gsub(/^ +| +$/, "", $2); gsub(/^ +| +$/, "", $3) }
        $2 == version { print $3; exit }' "$abi_log"
}

is_released() { [[ $(read_release "$1") =~ ^[0-9]{4}-[0-9]{2}-[0-9]{2}$ ]]; }

# Versions with a frozen copy, oldest first.
list_frozen() {
    local one
    for one in "$frozen"/*.*; do
        [[ -d $one ]] && echo "${one##*/}"
    done | sort -V
}

# True if a row of the log that is newer than FROM, up to TO, says what breaks.
admits_breaks() { # FROM TO
    awk -F'|' -v from="$1" -v to="$2" '
        function number(version, part) { split(version, part, "."); return part[1] * 65536 + part[2] }
        { gsub(/^ +| +$/, "", $2) }
        $2 ~ /^[0-9]+\.[0-9]+$/ && number($2) > number(from) && number($2) <= number(to) && /Breaks:/ {
            found = 1
        }
        END { exit !found }' "$abi_log"
}
