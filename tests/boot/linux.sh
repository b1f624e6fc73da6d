#!/usr/bin/env bash
# tests/boot/linux.sh BUILD_DIR: a distribution's Linux on virt.ini, and what it leaves on the disk.
# shellcheck disable=SC2016 # it is the guest's shell that expands what is said to it
set -euo pipefail
# shellcheck source=tests/boot/lib.sh
. "$(dirname "$0")/lib.sh"
PATH=$PATH:/usr/sbin:/sbin
prepare_guest

disk=$work/disk.img
tests/boot/mkdisk "$disk" 32
head -c 3000000 /dev/urandom >"$work/from_host"
debugfs -w -R "write $work/from_host from_host" "$disk" 2>/dev/null

# --- one boot: read, write, the clock, the random source, power off ----------------------------
talk --set "disk=$disk" -- "1 "'
echo "read: $(sha256sum </mnt/from_host | cut -d" " -f1)"
echo "time: $(date +%s)"
echo "random: $(dd if=/dev/hwrng bs=32 count=1 2>/dev/null | sha256sum | cut -d" " -f1)"
echo "virtio: $(for d in /sys/bus/virtio/devices/*; do readlink $d/driver | sed "s,.*/,,"; done | sort | xargs)"
echo "rtc: $(cat /sys/class/rtc/rtc0/name)"
echo "console: $(cat /sys/class/tty/console/active)"
dd if=/dev/urandom of=/mnt/from_guest bs=64k count=37 2>/dev/null
echo "wrote: $(sha256sum </mnt/from_guest | cut -d" " -f1)"
rm /mnt/from_host && fstrim /mnt && echo "trim: yes"
poweroff'
now=$(date +%s)
check "Linux boots to a shell and poweroff ends with status 0 ($took s)" is_equal 0 "$status"
check "the guest reads from the disk what the host wrote" \
    is_equal "$(sha256sum <"$work/from_host" | cut -d' ' -f1)" "$(said read)"
check "the guest's clock is the host's" test $((now - $(said time || echo 0))) -lt 60 -a \
    "$(said time)" -le "$now"
check "the random source gives bytes" \
    test -n "$(said random)" -a "$(said random)" != "$(head -c 32 /dev/zero | sha256sum | cut -d' ' -f1)"
check "disk and random source have their drivers" is_equal "virtio_blk virtio_rng" "$(said virtio)"
check "the clock chip has its driver" grep -q goldfish <(said rtc)
check "the console is the serial port" is_equal ttyS0 "$(said console)"
debugfs -R 'cat /from_guest' "$disk" 2>/dev/null >"$work/from_guest"
check "the host finds on the disk what the guest wrote" \
    is_equal "$(said wrote)" "$(sha256sum <"$work/from_guest" | cut -d' ' -f1)"
check "the file system is clean afterwards" e2fsck -fn "$disk" >/dev/null 2>&1
check "the guest discards what it has freed" is_equal yes "$(said trim)"

# --- a disk that must not be written ------------------------------------------------------------
before=$(sha256sum <"$disk")
talk --set "disk=$disk" --set readonly=yes -- "1 "'
echo "ro: $(cat /sys/block/vda/ro)"
dd if=/dev/zero of=/dev/vda bs=4096 count=1 conv=fsync 2>/dev/null && echo "write: done" || echo "write: refused"
echo "size: $(wc -c </mnt/from_guest)"
poweroff'
check "a read-only disk is read-only for the guest" is_equal 1 "$(said ro)"
check "a write to it is refused" is_equal refused "$(said write)"
check "it can still be read" is_equal $((37 * 65536)) "$(said size)"
check "not one byte of it has changed" is_equal "$before" "$(sha256sum <"$disk")"
check "poweroff ends with status 0" is_equal 0 "$status"

# --- reboot ---------------------------------------------------------------------------------------
talk --set "disk=$disk" -- "1 "'
echo first >>/mnt/boots
reboot' "2 "'
echo "boots: $(wc -l </mnt/boots)"
poweroff'
check "reboot starts the guest again, with the disk as it was" is_equal 1 "$(said boots)"
check "and it can then be powered off, with status 0" is_equal 0 "$status"

talk --set "disk=$disk" --on-reboot=exit -- "1 reboot"
check "--on-reboot=exit ends with status 3" is_equal 3 "$status"
finish
