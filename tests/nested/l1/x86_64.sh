#!/bin/sh
# shellcheck disable=SC1091,SC2154 # what lib.sh sets
# In L1: x86_64.sh SUITE: Debian's kernel of that suite as a guest of backplane, on KVM.
# tests/nested/x86_64.sh on the host starts it and looks at what it leaves in /out.
. "$(dirname "$0")/lib.sh"
use_guest "/guest/$1/Image" "/guest/$1/initrd"
sum() { sha256sum | cut -d' ' -f1; }
name="Debian $1"

cp /disk.img "$work/disk.img"
disk=$work/disk.img
mkdir -p /srv
head -c 1000000 /dev/urandom >/srv/file
loopback=127.0.0.1
httpd -p $loopback:8000 -h /srv

react() {
    case $1 in
    time)
        now=$(date +%s)
        clock_off=$((now - $2)) rtc_off=$((now - $3))
        tell ok
        ;;
    fetch)
        fetched=$(wget -q -O - "http://$loopback:8080/given" | sum)
        tell ok
        ;;
    press) press_power_button ;;
    kill) kill -KILL "$vmm" ;;
    esac
}

# --- everything at once: four processors, 5 GiB, a disk and a network --------------------------------
set -- --cpus 4 --memory 5G --set "disk=$disk" --set net=user \
    --set hostfwd=tcp:$loopback:8080-:80
timeout 60 backplane describe virt --arch x86_64 --accel kvm "$@" --json >/out/virt.json
clock_off=unknown rtc_off=unknown fetched=
run_guest virt "$@" --append 'console=ttyS0 loglevel=5 bp.run=/bin/checks'
keep_places virt

check "$name: a shell runs, reboot starts it again, poweroff ends with status 0 ($took s)" \
    is_equal "0 yes" "$status $(said second)"
check "its kernel is the distribution's" test -n "$(said kernel)"
check "SMBIOS names maker and machine" is_equal "Backplane virt" "$(said model)"
check "its console is the serial port" is_equal ttyS0 "$(said console)"
check "four processors are online" is_equal "4 0-3" "$(said cpus)"
check "all four run at once" is_equal yes "$(said load)"
# The kernel keeps page structures, its own image and little else for itself.
check "5 GiB of memory are there" is_within $((5120 * 1024 - 300 * 1024)) $((5120 * 1024)) "$(said memory)"
# All but the hole from 639 KiB to 1 MiB and the ACPI tables.
check "E820 has all 5 GiB of RAM" is_within $((5120 * 1048576 - 2 * 1048576)) $((5120 * 1048576)) "$(said e820)"
check "its clock is right" is_within 0 10 "${clock_off#-}"
check "and so is the CMOS clock" is_within 0 10 "${rtc_off#-}"
check "it read the time from the CMOS clock" is_equal rtc_cmos "$(said rtc | cut -d' ' -f1)"
check "the random source gives bytes" is_equal 64 "$(said random | wc -c | awk '{ print $1 - 1 }')"
check "disk, network and random source have their drivers" \
    is_equal "virtio_blk virtio_net virtio_rng" "$(said virtio)"
check "it reads from the disk what the host wrote" is_equal "$(cat /disk.sum)" "$(said read)"
check "what it wrote is there after the reboot" is_equal "$(said wrote)" "$(said second-disk)"
check "DHCP gives it an address" is_equal 10.0.2.15/24 "$(said address)"
check "and a gateway" is_equal 10.0.2.2 "$(said route)"
check "it fetches a file from this side's loopback, through the gateway" \
    is_equal "$(sum </srv/file)" "$(said fetched)"
check "this side fetches one from it, through a forwarded port" is_equal "$(said given)" "$fetched"
check "its kernel has no complaint about the ACPI tables" is_equal "none" "$(said_lines complaint)"

# --- ends --------------------------------------------------------------------------------------------
set -- --append 'console=ttyS0 quiet bp.run=/bin/again'
run_guest virt "$@" --on-reboot=exit
check "--on-reboot=exit ends with status 3 ($took s)" is_equal "3 now" "$status $(said again)"

run_guest virt --append 'console=ttyS0 quiet bp.run=/bin/crash'
check "a panic ends with status 4 ($took s)" is_equal "4 now" "$status $(said crash)"
check "and the panic is on the console" grep -q 'sysrq triggered crash' "$work/log"

use_terminal yes
run_guest virt --append 'console=ttyS0 quiet bp.run=/bin/button'
use_terminal ''
check "the power button ends it through its handler, with status 0 ($took s)" is_equal 0 "$status"
check "after it was asked for" grep -q '^ask: press' "$work/log"
check "and through ACPI's soft off" grep -qi 'power down' "$work/log"

# --- a kill after a sync ------------------------------------------------------------------------------
cp /disk.img "$disk"
run_guest virt --set "disk=$disk" --append 'console=ttyS0 quiet bp.run=/bin/keep'
check "SIGKILL ends the VMM ($took s)" is_equal 137 "$status"
check "what the guest wrote to the disk and synced is in the image" is_equal "$(said raw)" \
    "$(dd if="$disk" bs=64k skip=640 count=64 2>/dev/null | sum)"
cp "$disk" /out/killed.img
said file >/out/killed.sum

# --- a classic PC -------------------------------------------------------------------------------------
timeout 60 backplane describe pc --arch x86_64 --accel kvm --json >/out/pc.json
mkdir "$work/more" && cp -r /more "$work/more/bin"
(cd "$work/more" && find . | cpio -o -H newc) >"$work/more.cpio" 2>/dev/null
cat "$initrd" "$work/more.cpio" >"$work/initrd"
use_guest "$kernel" "$work/initrd"
run_guest pc --append 'console=ttyS0 quiet bp.run=/bin/classic'
keep_places pc
check "the debug port ends a classic PC with the guest's status ($took s)" \
    is_equal "42 42" "$status $(said exit)"
check "it has both serial ports" is_equal 2 "$(said ports)"
check "and a keyboard controller" is_equal 1 "$(said keyboard)"
finish
