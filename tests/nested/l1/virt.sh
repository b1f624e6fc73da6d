#!/bin/sh
# shellcheck disable=SC1091,SC2154 # what lib.sh sets
# In L1: virt.sh GIC WORD: Debian's kernel as a guest of backplane on this machine's KVM, with a disk
# that other architectures' guests have written to and where this one adds the line WORD.
# tests/nested/virt.sh on the host starts it and looks at what it leaves in /out.
. "$(dirname "$0")/lib.sh"
use_guest /guest/trixie/Image /guest/trixie/initrd
sum() { sha256sum | cut -d' ' -f1; }
gic=$1 word=$2

cp /disk.img "$work/disk.img"
disk=$work/disk.img
mkdir -p /srv
head -c 300000 /dev/urandom >/srv/file
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
    esac
}

# Console and clock's driver are the architecture's own.
console=ttyS0 rtc=goldfish_rtc
if [ "$arch" = arm64 ]; then
    console=ttyAMA0 rtc=rtc-pl031
fi

set -- --cpus 2 --set "disk=$disk" --set net=user --set "hostfwd=tcp:$loopback:8080-:80"
timeout 60 backplane describe virt --arch "$arch" --accel kvm "$@" --json >/out/virt.json
clock_off=unknown rtc_off=unknown fetched=
run_guest virt "$@" --append "console=$console loglevel=5 bp.run=/bin/checks bp.line=$word"
keep_places virt

check "a shell runs, reboot starts it again, poweroff ends with status 0 ($took s)" \
    is_equal "0 yes" "$status $(said second)"
check "its kernel is the distribution's" test -n "$(said kernel)"
check "its console is $console" is_equal "$console" "$(said console)"
check "two processors are online" is_equal "2 0-1" "$(said cpus)"
check "both run at once" is_equal yes "$(said load)"
check "256 MiB of memory are there" is_within $(((256 - 80) * 1024)) $((256 * 1024)) "$(said memory)"
check "its clock is right" is_within 0 10 "${clock_off#-}"
check "and so is the clock device" is_within 0 10 "${rtc_off#-}"
check "it read the time from that" is_equal $rtc "$(said rtc | cut -d' ' -f1)"
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
if [ "$arch" = arm64 ]; then
    chip=GICv3
    [ "$gic" = 3 ] || chip=GIC-0 # as Linux names a version 2
    check "its interrupts come through a GICv$gic" grep -q "^interrupts|.* $chip  *27 " "$work/log"
fi
if [ "$arch" = riscv64 ]; then
    chip='SiFive PLIC'
    [ "$word" != aia ] || chip=APLIC-MSI
    check "its interrupts come through the $chip" grep -q "^interrupts|.* $chip" "$work/log"
fi
cp "$disk" /out/disk.img
finish
