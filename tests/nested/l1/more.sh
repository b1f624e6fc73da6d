#!/bin/sh
# In L1: more.sh SUITE: what one kernel is enough for: another interrupt controller, other ways to
# reboot, signals, and what the VMM says when it cannot run.
# shellcheck disable=SC1091,SC2154 # what lib.sh sets
. "$(dirname "$0")/lib.sh"
use_guest "/guest/$1/Image" "/guest/$1/initrd"
quiet='console=ttyS0 quiet'
disk=$work/disk.img
cp /disk.img "$disk"

react() {
    case $1 in
    something) tell something ;;
    signal) kill "-$signal" "$vmm" ;;
    esac
}

# --- an I/O APIC that is a device -----------------------------------------------------------------------
sed "s,^include = ,include = /bp/machines/," /nested/split.ini >"$work/split.ini"
set -- --cpus 2 --set "disk=$disk" --set io=threads --set net=user --set "record=$work/record"
timeout 60 backplane describe "$work/split.ini" --arch x86_64 --accel kvm "$@" --json >/out/split.json
run_guest "$work/split.ini" "$@" --append "$quiet bp.run=/bin/split"
keep_places split
check "a machine whose I/O APIC is a device boots and powers off ($took s)" is_equal 0 "$status"
check "with two processors" is_equal 2 "$(said cpus)"
check "its disk works, with threads" is_equal "$(said file)" "$(said again)"
check "its network works" is_equal 10.0.2.15/24 "$(said address)"
check "what is typed arrives" is_equal something "$(said typed)"
check "the second console's output is in its file" \
    is_equal "$(seq 1 500 | md5sum)" "$(tr -d '\r' <"$work/record" | md5sum)"

# --- other ways to reboot --------------------------------------------------------------------------------
for way in k a; do
    run_guest pc --on-reboot=exit --append "$quiet reboot=$way bp.run=/bin/again"
    check "reboot=$way of a classic PC ends with status 3 ($took s)" is_equal "3 now" "$status $(said again)"
done
run_guest pc --on-reboot=exit --append "$quiet reboot=t bp.run=/bin/again"
check "a triple fault ends with status 4 ($took s)" is_equal "4 now" "$status $(said again)"
check "and is told as one" grep -qi 'triple fault' "$work/err"

# --- signals ---------------------------------------------------------------------------------------------
for signal in INT TERM; do
    run_guest virt --append "$quiet bp.run=/bin/idle"
    check "SIG$signal ends a guest with status 130 ($took s)" is_equal 130 "$status"
done

# --- what cannot be ----------------------------------------------------------------------------------------
mv /dev/kvm /dev/kvm.away
run_guest virt
check "without /dev/kvm: status 1" is_equal 1 "$status"
check "and one sentence that names it" grep -q '/dev/kvm' "$work/err"
mv /dev/kvm.away /dev/kvm
finish
