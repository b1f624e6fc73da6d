#!/usr/bin/env bash
# tests/boot/harts.sh BUILD_DIR: four harts, all of them used, and one result from each.
# shellcheck disable=SC2016 # it is the guest's shell that expands what is said to it
set -euo pipefail
# shellcheck source=tests/boot/lib.sh
. "$(dirname "$0")/lib.sh"
prepare_guest
tests/boot/mkdisk "$work/disk.img"

talk --cpus 4 --set "disk=$work/disk.img" -- "1 "'
echo "harts: $(nproc)"
for i in 0 1 2 3; do
    (taskset -c $i sh -c "dd if=/dev/zero bs=64k count=16 2>/dev/null | sha256sum" >/tmp/sum$i) &
done; wait
echo "sums: $(cat /tmp/sum? | sort -u | wc -l) $(cat /tmp/sum? | wc -l)"
for i in 1 2 3; do taskset -c $i cat /proc/self/stat | cut -d" " -f39; done | xargs echo "on:"
awk "/IPI|Rescheduling|Function call/ { for (i = 2; i <= 5; i++) n[i] += \$i }
    END { for (i = 2; i <= 5; i++) if (n[i]) used++; print \"ipis: \" used + 0 }" /proc/interrupts
awk "/timer/ { for (i = 2; i <= 5; i++) n[i] += \$i }
    END { for (i = 2; i <= 5; i++) if (n[i]) used++; print \"timers: \" used + 0 }" /proc/interrupts
poweroff'
check "Linux with four harts powers off with status 0 ($took s)" is_equal 0 "$status"
check "it finds four" is_equal 4 "$(said harts)"
check "work bound to each hart gives the same sum four times" is_equal "1 4" "$(said sums)"
check "bound work runs where it was bound" is_equal "1 2 3" "$(said on)"
check "every hart has taken interrupts from others" is_equal 4 "$(said ipis)"
check "every hart has a timer" is_equal 4 "$(said timers)"

talk --cpus 4 --set "disk=$work/disk.img" -- "1 reboot" "2 "'
echo "harts: $(nproc)"
poweroff'
check "after a reboot all four are there again" is_equal 4 "$(said harts)"
check "and it powers off with status 0" is_equal 0 "$status"
finish
