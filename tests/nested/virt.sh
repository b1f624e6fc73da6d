#!/usr/bin/env bash
# tests/nested/virt.sh BUILD_DIR [PART...]: machines/virt.ini, unchanged, on each architecture's KVM.
#
# Part "disk": one disk image goes from an x86_64 guest to an arm64, a riscv64 and, on the software
# processor, another riscv64 guest, each of them adding a line; those of arm64 and riscv64 go through
# all of tests/nested/l1/virt.sh besides. Parts "arm64", "gicv2" (arm64 with that interrupt controller),
# "riscv64", "aia" (riscv64 with the interrupt controllers of the host's KVM) and "software" (riscv64 on the
# software processor): one of these alone, with a disk of its own. Without PART: disk, gicv2 and aia.
#
# BUILD_DIR is this host's tree; those of other architectures are in it, as make CROSS= puts them.
set -euo pipefail

cd "$(dirname "${BASH_SOURCE[0]}")/../.."
# shellcheck disable=SC2034 # for lib.sh
self=$PWD/tests/nested/virt.sh
build=${1:?usage: tests/nested/virt.sh BUILD_DIR [PART...]}
shift
[[ $# -gt 0 ]] || set -- disk gicv2 aia
PATH=$PATH:/usr/sbin:/sbin
# shellcheck source=tests/nested/lib.sh
. tests/nested/lib.sh

tree_of() { # ARCH
    local machine=${1/arm64/aarch64}
    if [[ $(uname -m) == "$machine" ]]; then echo "$build"; else echo "$build/$machine-linux-gnu"; fi
}

run_in_l1() { # NAME ARCH GIC COMMAND...: a guest on $work/disk.img; what it leaves is in $work/NAME
    local name=$1 arch=$2 gic=$3 status=0
    shift 3
    local more=()
    [[ $name != aia ]] || more=(--aia)
    # shellcheck disable=SC2068 # words
    tests/nested/run "$arch" ${more[@]+"${more[@]}"} --gic "$gic" --build "$(tree_of "$arch")" --out "$work/$name" \
        --timeout "${BP_NESTED_SECONDS:-600}" --log "$work/$name.log" \
        --file "$work/disk.img:/disk.img" --file "$work/disk.sum:/disk.sum" -- "$@" \
        </dev/null | tee "$work/$name.out" | without_count | sed -u "s/^\(PASS\|FAIL\|SKIP\) /&$name: /" ||
        status=$?
    add_count "$work/$name.out" "$name" "$status"
    [[ -z ${BP_NESTED_KEEP-} ]] || cp -r "$work/$name" "$work/$name.log" "$BP_NESTED_KEEP/"
    [[ ! -s $work/$name/disk.img ]] || mv "$work/$name/disk.img" "$work/disk.img"
}

run_machine() { # NAME ARCH GIC
    run_in_l1 "$@" sh /nested/virt.sh "$3" "$1"
    compare_places "$1" virt
}

said() { sed -n "s/^$1: *//p" "$work/software.log" | tr -d '\r' | tail -n 1; }

# The same as in L1 on this host's software processor.
run_software() {
    local status=0 machine=(virt --arch riscv64 --accel soft --cpus 4 --set net=user
        --set "disk=$work/disk.img")
    tests/boot/fetch riscv64
    tests/boot/mkinitrd riscv64 "$work/initrd" tests/nested/guest/*
    mkdir -p "$work/software"
    "$build/backplane" describe "${machine[@]}" --json >"$work/software/virt.json"
    timeout -k 5 "${BP_BOOT_SECONDS:-180}" "$build/backplane" run "${machine[@]}" \
        --kernel build/cache/riscv64/Image --initrd "$work/initrd" \
        --append 'console=ttyS0 quiet bp.run=/bin/software bp.line=software' \
        </dev/null >"$work/software.log" 2>&1 || status=$?
    check "software: a riscv64 guest adds a line to the disk and powers off" is_equal 0 "$status"
    [[ $status -eq 0 ]] || tail -n 25 "$work/software.log" | sed 's/^/     | /'
    check "software: four processors" is_equal "4 0-3" "$(said cpus)"
    check "software: its clock device, and the right time" is_equal "goldfish_rtc right" "$(said rtc)"
    check "software: random numbers" is_equal 32 "$(said random)"
    check "software: an address by DHCP" is_equal 10.0.2.15/24 "$(said address)"
    grep -aE '^(iomem|ioports|interrupts|pnp|acpi|tree)\|' "$work/software.log" | tr -d '\r' \
        >"$work/software/virt.places" || true
    compare_places software virt
}

is_whole() { # IMAGE
    e2fsck -fn "$1" >"$work/fsck" 2>&1 || {
        sed 's/^/     | /' "$work/fsck"
        return 1
    }
}

carry_disk() {
    run_in_l1 x86_64 x86_64 3 sh /nested/line.sh x86_64
    run_machine arm64 arm64 3
    run_machine riscv64 riscv64 3
    run_software
    check "the disk that went from one to the next has the line of each" is_equal \
        "x86_64 x86_64 arm64 aarch64 riscv64 riscv64 software riscv64" \
        "$(debugfs -R 'cat /lines' "$work/disk.img" 2>/dev/null | sed 's/: Linux .* on / /' | xargs)"
    check "and its file system is whole" is_whole "$work/disk.img"
}

prepare() {
    tests/boot/mkdisk "$work/disk.img" 32
    head -c 1000000 /dev/urandom >"$work/from_host"
    debugfs -w -R "write $work/from_host from_host" "$work/disk.img" >/dev/null 2>&1
    sha256sum <"$work/from_host" | cut -d' ' -f1 >"$work/disk.sum"
}

tests/setup test demo nested
if [[ $# -eq 1 ]]; then
    prepare
    case $1 in
    disk) carry_disk ;;
    arm64) run_machine arm64 arm64 3 ;;
    gicv2) run_machine gicv2 arm64 2 ;;
    riscv64) run_machine riscv64 riscv64 3 ;;
    aia) run_machine aia riscv64 3 ;;
    software) run_software ;;
    *) check "$1 is a part of this suite" false ;;
    esac
    echo "    $1: $SECONDS s"
else
    run_beside_each_other "$@"
fi
echo "$passed passed, $failed failed, $skipped skipped"
[[ $failed -eq 0 ]]
