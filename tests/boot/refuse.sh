#!/usr/bin/env bash
# tests/boot/refuse.sh BUILD_DIR: wrong files are refused in one sentence, with status 1.
set -euo pipefail
# shellcheck source=tests/boot/lib.sh
. "$(dirname "$0")/lib.sh"
prepare_guest
tests/boot/mkdisk "$work/disk.img"
disk_before=$(sha256sum <"$work/disk.img")

as_user=() # root may read everything: what is about permission runs as nobody

# refuses TITLE NAMED ARGS...: status 1 within 10 s, nothing started, NAMED occurs in one sentence.
refuses() {
    local title=$1 named=$2 status=0
    shift 2
    timeout -k 5 10 "${as_user[@]}" "$backplane" run virt --arch riscv64 "$@" </dev/null >"$work/log" 2>"$work/err" || status=$?
    check "$title: status 1" is_equal 1 "$status"
    check "$title: the message names it" grep -qF -- "$named" "$work/err"
    check "$title: one sentence" test "$(wc -l <"$work/err")" -eq 1
    check "$title: no guest output" test ! -s "$work/log"
}

kernel=(--kernel "$cache/Image")
disk=(--set "disk=$work/disk.img")
head -c 100 "$cache/Image" >"$work/truncated"
head -c 1000000 "$cache/Image" >"$work/half"
: >"$work/empty"
head -c 4096 /dev/urandom >"$work/noise"
truncate -s 3G "$work/large"

refuses "no such kernel" "$work/none" --kernel "$work/none" "${disk[@]}"
refuses "a kernel that is a folder" "$work" --kernel "$work" "${disk[@]}"
refuses "an empty kernel" "$work/empty" --kernel "$work/empty" "${disk[@]}"
refuses "a kernel cut in its header" "$work/truncated" --kernel "$work/truncated" "${disk[@]}"
refuses "a kernel cut later" "$work/half" --kernel "$work/half" "${disk[@]}"
refuses "noise for a kernel" "$work/noise" --kernel "$work/noise" "${disk[@]}"
refuses "a program of another machine" /bin/sh --kernel /bin/sh "${disk[@]}"
refuses "no such initrd" "$work/none" "${kernel[@]}" --initrd "$work/none" "${disk[@]}"
refuses "an initrd larger than RAM" "$work/large" "${kernel[@]}" --initrd "$work/large" "${disk[@]}"
refuses "no such disk" "$work/none" "${kernel[@]}" --set "disk=$work/none"
refuses "a disk that is a folder" "$work" "${kernel[@]}" --set "disk=$work"
refuses "no such firmware" "$work/none" "${kernel[@]}" --firmware "$work/none" "${disk[@]}"

cp "$work/disk.img" "$work/locked.img"
chmod 000 "$work/locked.img"
if [[ $EUID -eq 0 ]]; then
    chmod 711 "$work"
    as_user=(setpriv --reuid=65534 --regid=65534 --clear-groups)
fi
if "${as_user[@]}" test -r "$cache/Image" -a -x "$backplane"; then
    refuses "a disk that may not be read" "$work/locked.img" "${kernel[@]}" \
        --set "disk=$work/locked.img"
else
    skip "a disk that may not be read: this folder is root's own, and root may read everything"
fi
check "the disk is unharmed" is_equal "$disk_before" "$(sha256sum <"$work/disk.img")"
finish
