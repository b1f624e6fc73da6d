#!/usr/bin/env bash
# tests/boot/refuse.sh BUILD_DIR: wrong files are refused in one sentence, with status 1.
set -euo pipefail
# shellcheck source=tests/boot/lib.sh
. "$(dirname "$0")/lib.sh"
prepare_guest
tests/boot/mkdisk "$work/disk.img"
disk_before=$(sha256sum <"$work/disk.img")

as_user=() # root may read everything: what is about permission runs as nobody

machine=(virt --arch riscv64)

# refuses TITLE NAMED ARGS...: status 1 within 10 s, nothing started, NAMED occurs in one sentence.
refuses() {
    local title=$1 named=$2 status=0
    shift 2
    timeout -k 5 10 "${as_user[@]}" "$backplane" run "${machine[@]}" "$@" </dev/null >"$work/log" 2>"$work/err" || status=$?
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

head -c 4096 /dev/zero >"$work/bzImage"
printf 'HdrS' | dd of="$work/bzImage" bs=1 seek=$((0x202)) conv=notrunc status=none
refuses "a kernel of another machine" "is an x86_64 kernel (bzImage), but the machine is riscv64" \
    --kernel "$work/bzImage" "${disk[@]}"

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
as_user=()

# What runs the guest is chosen before any file is looked at.
machine=(virt --arch x86_64)
if "$backplane" doctor --json | tr -d '\n ' | grep -q '"name":"kvm","arch":"x86_64","usable":true'; then
    refuses "x86_64: a kernel cut in its header" "is truncated" --kernel "$work/truncated"
    refuses "x86_64: a header without a kernel" "its header says boot_flag 0x0000" --kernel "$work/bzImage"
    refuses "x86_64: noise for a kernel" "neither a Linux bzImage nor an ELF file" --kernel "$work/noise"
    refuses "x86_64: a kernel of another machine" "is a riscv64 kernel (Image)" --kernel "$cache/Image"
    refuses "x86_64: firmware" "no place for firmware" --firmware "$work/noise"
else
    refuses "x86_64 where KVM cannot run it" "kvm" --kernel "$work/none"
    refuses "x86_64 on the software processor" "soft" --accel soft --kernel "$work/none"
    skip "x86_64: wrong files: $("$backplane" run "${machine[@]}" --kernel "$work/none" 2>&1 || true)"
fi
check "the disk is unharmed" is_equal "$disk_before" "$(sha256sum <"$work/disk.img")"
finish
