#!/usr/bin/env bash
# tests/nested/x86_64.sh BUILD_DIR [PART...]: x86_64 guests on KVM, in an emulated machine.
#
# Part "programs": the tests of accel/kvm, with their small guests, where KVM is whole. Parts "trixie"
# and "bookworm", each in an L1 of its own: tests/nested/l1/x86_64.sh with that Debian's kernel; what
# it leaves is looked at here: every device at its place, and a disk whose VMM was killed. Part "more":
# what one kernel is enough for.
set -euo pipefail

cd "$(dirname "${BASH_SOURCE[0]}")/../.."
# shellcheck disable=SC2034 # for lib.sh
self=$PWD/tests/nested/x86_64.sh
build=${1:?usage: tests/nested/x86_64.sh BUILD_DIR [PART...]}
shift
[[ $# -gt 0 ]] || set -- trixie bookworm more programs
PATH=$PATH:/usr/sbin:/sbin
# shellcheck source=tests/nested/lib.sh
. tests/nested/lib.sh

# e2fsck plays the journal back, as a guest would, and must find nothing else.
repairs_cleanly() { # IMAGE
    truncate -s 32M "$1"
    e2fsck -fp "$1" >"$work/fsck" 2>&1 || [[ $? -eq 1 ]]
    e2fsck -fn "$1" >"$work/fsck" 2>&1 || {
        sed 's/^/     | /' "$work/fsck"
        return 1
    }
}

run_in_l1() { # NAME SCRIPT SUITE: what it leaves is in $work/NAME
    local name=$1 status=0
    tests/nested/run x86_64 --build "$build" --guest "$3" --out "$work/$name" \
        --timeout "${BP_NESTED_SECONDS:-900}" --log "$work/$name.log" \
        --file "$work/disk.img:/disk.img" --file "$work/disk.sum:/disk.sum" \
        --file "$work/terminal:/nested/terminal" --file "$work/more:/more" \
        -- sh "/nested/$2" "$3" </dev/null | tee "$work/$name.out" | without_count || status=$?
    add_count "$work/$name.out" "$name" "$status"
    [[ -z ${BP_NESTED_KEEP-} ]] || cp -r "$work/$name" "$work/$name.log" "$BP_NESTED_KEEP/"
}

run_suite() { # SUITE
    local suite=$1 out=$work/$1
    run_in_l1 "$suite" x86_64.sh "$suite"
    compare_places "$suite" virt pc
    if [[ -s $out/killed.img ]]; then
        check "a file system whose VMM was killed recovers" repairs_cleanly "$out/killed.img"
        check "and has the file that was synced" is_equal "$(<"$out/killed.sum")" \
            "$(debugfs -R 'cat /kept' "$out/killed.img" 2>/dev/null | sha256sum | cut -d' ' -f1)"
    else
        check "the disk of a killed VMM came back" false
    fi
}

run_more() {
    run_in_l1 more more.sh trixie
    compare_places more split
}

# The programs look for their guests in the built tree, by the name it has here.
run_programs() {
    local status=0 place=$build one files=()
    [[ $place == /* ]] || place=/$place
    for one in "$build"/tests/unit/kvm_*_test; do
        files+=(--file "$one:/programs/${one##*/}")
    done
    [[ ! -d $build/guests ]] || files+=(--file "$build/guests:$place/guests")
    tests/nested/run x86_64 --build "$build" --guest none "${files[@]}" --timeout 300 \
        -- sh /nested/programs.sh </dev/null | tee "$work/programs.out" | without_count || status=$?
    add_count "$work/programs.out" programs "$status"
}

# A disk with room behind its file system, for what the guest writes past it; small programs.
prepare() {
    tests/boot/mkdisk "$work/disk.img" 32
    head -c 3000000 /dev/urandom >"$work/from_host"
    debugfs -w -R "write $work/from_host from_host" "$work/disk.img" >/dev/null 2>&1
    truncate -s 64M "$work/disk.img"
    sha256sum <"$work/from_host" | cut -d' ' -f1 >"$work/disk.sum"
    gcc -O1 -Wall -Wextra -Werror -o "$work/terminal" tests/nested/terminal.c
    mkdir "$work/more" # programs for the guest
    gcc -O1 -Wall -Wextra -Werror -static -o "$work/more/outb" tests/nested/outb.c
}

tests/setup test demo
if [[ $# -eq 1 ]]; then
    prepare
    case $1 in
    programs) run_programs ;;
    more) run_more ;;
    *) run_suite "$1" ;;
    esac
    echo "    $1: $SECONDS s"
else
    run_beside_each_other "$@"
fi
echo "$passed passed, $failed failed, $skipped skipped"
[[ $failed -eq 0 ]]
