#!/usr/bin/env bash
# tests/service/systemd.sh BUILD_DIR: the unit under a real systemd, this host's own, which is PID 1 of
# an emulated x86_64 machine (QEMU, no KVM needed) with a distribution's kernel; a minute or two. The
# guest inside is that of tests/service/run, on the software processor. Prints a count.
#
# BP_SYSTEMD_SECONDS limits the machine (default 240); BP_NESTED_KEEP=DIR keeps its log.
set -euo pipefail

cd "$(dirname "${BASH_SOURCE[0]}")/../.."
build=$(cd "${1:?usage: tests/service/systemd.sh BUILD_DIR}" && pwd)
cache=build/cache/x86_64
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
root=$work/root
programs='/lib/systemd/systemd /lib/systemd/systemd-journald /bin/systemctl /bin/sh
    /usr/bin/timeout /usr/bin/tail'

skip_all() {
    echo "SKIP the unit under systemd: $1"
    echo "0 passed, 0 failed, 1 skipped"
    exit 0
}

find_missing() {
    local one
    [[ $(uname -m) == x86_64 ]] || echo "this is no x86_64 host"
    for one in $programs; do [[ -x $one ]] || echo "there is no $one"; done
    for one in qemu-system-x86_64 riscv64-linux-gnu-gcc cpio; do
        command -v "$one" >/dev/null || echo "there is no $one"
    done
}

# The directory of a file, where / has only usr.
place() { # PATH
    local directory=${1%/*}
    case $directory in
    /usr/*) echo "$root$directory" ;;
    *) echo "$root/usr$directory" ;;
    esac
}

put() { # PATH...: files of this host, at the same place
    local one
    for one; do
        mkdir -p "$(place "$one")"
        cp -L "$one" "$(place "$one")"
    done
}

libraries_of() { # PROGRAM...
    local one
    for one; do ldd "$one" | grep -o '/[^ ]*' || true; done | LC_ALL=C sort -u
}

put_units() {
    local one units=$root/usr/lib/systemd/system
    mkdir -p "$units"
    for one in basic network paths shutdown slices sockets swap sysinit timers umount local-fs local-fs-pre; do
        cp "/lib/systemd/system/$one.target" "$units"
    done
    cp /lib/systemd/system/systemd-journald* "$units"
    sed 's|/usr/bin/backplane|/bp/backplane|' vmm/service/backplane@.service >"$units/backplane@.service"
    printf '[Unit]\nRequires=basic.target\nWants=test.service\n' >"$units/test.target"
    printf '[Service]\nType=oneshot\nExecStart=/bin/busybox sh /test.sh\nStandardOutput=tty\n' \
        >"$units/test.service"
}

put_machines() {
    local flags=(-march=rv64imac -mabi=lp64 -mcmodel=medany -nostdlib -static -no-pie)
    mkdir -p "$root/bp" "$root/etc/backplane"
    cp -r "$build"/{backplane,plugins,machines} "$root/bp"
    riscv64-linux-gnu-gcc "${flags[@]}" -Wl,--build-id=none,-Ttext=0x80200000 \
        -o "$root/etc/backplane/guest.elf" tests/service/guest.S
    cp tests/service/machines/*.ini "$root/etc/backplane"
}

make_root() {
    mkdir -p "$root"/{etc,proc,sys,dev,run,tmp,var,home} "$root"/usr/{bin,lib,lib64,sbin}
    ln -s usr/bin usr/lib usr/lib64 usr/sbin "$root"
    # shellcheck disable=SC2046,SC2086 # words
    put $programs $(libraries_of $programs "$build"/backplane "$build"/plugins/*.so)
    put_units
    put_machines
    cp "$cache/busybox" "$root/bin/busybox"
    gcc -static -O1 -Wall -Wextra -o "$root/bin/talk" tests/service/talk.c
    printf 'root:x:0:0::/root:/bin/sh\nnobody:x:65534:65534::/:/bin/false\n' >"$root/etc/passwd"
    printf 'root:x:0:\nkvm:x:104:\nnogroup:x:65534:\n' >"$root/etc/group"
    printf '%032d\n' 1 >"$root/etc/machine-id"
    touch "$root/etc/os-release"
    cp tests/service/systemd-test.sh "$root/test.sh"
    # An initramfs cannot be left by pivot_root, which systemd uses for a service's file system.
    cat >"$root/init" <<'END'
#!/bin/busybox sh
busybox mkdir /new
busybox mount -t tmpfs -o mode=755 tmpfs /new
busybox cp -a /bin /sbin /lib /lib64 /usr /etc /bp /test.sh /home /tmp /var /new
busybox mkdir /new/proc /new/sys /new/dev /new/run
busybox mount -t devtmpfs devtmpfs /new/dev
exec busybox switch_root /new /lib/systemd/systemd --unit=test.target --log-level=warning \
    --show-status=0
END
    chmod +x "$root/init"
    (cd "$root" && find . | cpio -o -H newc --quiet | gzip -1) >"$work/initrd.gz"
}

main() {
    local missing
    missing=$(find_missing)
    [[ -z $missing ]] || skip_all "${missing%%$'\n'*}"
    tests/boot/fetch x86_64
    make_root
    # tests/nested/arch.sh says why without cx16.
    timeout -k 5 "${BP_SYSTEMD_SECONDS:-240}" qemu-system-x86_64 -accel tcg,thread=single \
        -cpu max,cx16=off -m 1200 -nodefaults -nographic -serial stdio -no-reboot \
        -kernel "$cache/Image" -initrd "$work/initrd.gz" \
        -append 'console=ttyS0 quiet panic=-1 mitigations=off nokaslr no_timer_check' \
        </dev/null >"$work/log" 2>&1 || true
    [[ -z ${BP_NESTED_KEEP-} ]] || cp "$work/log" "$BP_NESTED_KEEP/systemd.log"
    tr -d '\r' <"$work/log" >"$work/text"
    grep -aE '^(PASS|FAIL) |^     ' "$work/text" || true
    if ! grep -aE '^[0-9]+ passed, [0-9]+ failed, [0-9]+ skipped$' "$work/text"; then
        echo "FAIL the machine ended before its tests"
        tail -n 20 "$work/text" | sed 's/^/     | /'
        echo "0 passed, 1 failed, 0 skipped"
    fi
    grep -qaE '^[0-9]+ passed, 0 failed, 0 skipped$' "$work/text"
}

main
