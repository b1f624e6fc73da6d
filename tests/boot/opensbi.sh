#!/usr/bin/env bash
# tests/boot/opensbi.sh BUILD_DIR: OpenSBI enters in M-mode and boots the same kernel.
# shellcheck disable=SC2016 # it is the guest's shell that expands what is said to it
set -euo pipefail
# shellcheck source=tests/boot/lib.sh
. "$(dirname "$0")/lib.sh"
firmware=/usr/lib/riscv64-linux-gnu/opensbi/generic
[[ -e $firmware/fw_jump.elf ]] || {
    skip "OpenSBI: $firmware/fw_jump.elf is not there (package opensbi)"
    finish
}
prepare_guest
tests/boot/mkdisk "$work/disk.img"

boots_with() { # FIRMWARE HARTS
    talk --firmware "$firmware/$1" --cpus "$2" --set "disk=$work/disk.img" -- "1 "'
echo "harts: $(nproc)"
echo "sbi: $(dmesg | grep -o "SBI implementation ID=0x1 .*")"
poweroff'
    check "$1 boots Linux with $2 hart(s) to a shell ($took s)" is_equal "$2" "$(said harts)"
    check "$1 serves the kernel" grep -q 'ID=0x1 ' <(said sbi)
    check "$1 prints its banner" grep -q '^OpenSBI v' "$work/log"
    check "$1 powers off with status 0" is_equal 0 "$status"
}
boots_with fw_jump.elf 1
boots_with fw_dynamic.elf 2
boots_with fw_jump.bin 1
finish
