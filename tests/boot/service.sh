#!/usr/bin/env bash
# tests/boot/service.sh BUILD_DIR: Linux from a machine file alone, as a service has it: kernel, initrd
# and disk named by the file, the console on a socket whose clients come and go.
set -euo pipefail
# shellcheck source=tests/boot/lib.sh
. "$(dirname "$0")/lib.sh"
PATH=$PATH:/usr/sbin:/sbin
prepare_guest
tests/boot/mkdisk "$work/disk.img"

cat >"$work/linux.ini" <<END
include = virt

[machine]
arch = riscv64

[device console]
char = tty

[backend tty]
plugin = char-socket
path = console

[set]
disk = disk.img

[boot]
kernel = $PWD/$cache/Image
initrd = $(realpath "$initrd")
append = "console=ttyS0 bp.script"
END

# client WAIT-FOR SAY: one that comes, waits, speaks and leaves; what it read goes to $work/log.
# shellcheck disable=SC2317 # called by check
client() {
    python3 - "$work/console" "$boot_seconds" "$@" >>"$work/log" <<'END'
import pathlib, socket, sys, time

path, seconds, wanted, words = sys.argv[1:]
deadline = time.monotonic() + float(seconds)
while not pathlib.Path(path).exists() and time.monotonic() < deadline:
    time.sleep(0.05)
one = socket.socket(socket.AF_UNIX)
one.settimeout(float(seconds))
one.connect(path)
one.sendall((words + "\n").encode())
text = b""
while wanted.encode() not in text:
    more = one.recv(65536)
    if not more:
        break
    text += more
sys.stdout.buffer.write(text)
sys.exit(wanted.encode() not in text)
END
}

: >"$work/log"
# From elsewhere: what the file names is relative to the file.
program=$(realpath "$backplane")
(cd / && exec timeout -k 5 "$boot_seconds" "$program" run "$work/linux.ini") \
    </dev/null >"$work/out" 2>"$work/err" &
guest_pid=$!
# The first sends its line before the guest reads, and has all that it said since it began.
check "the first client sees the boot, and its line is read" client 'sum: 42' "echo sum: \$((6 * 7))"
check "from the kernel's first line on" grep -q 'Linux version' "$work/log"
check "the second client has a guest that went on" client 'disk: ext4' \
    "echo disk: \$(awk '\$2 == \"/mnt\" { print \$3 }' /proc/mounts)"
check "the third powers it off" client 'Power down' poweroff
status=0
wait "$guest_pid" || status=$?
guest_pid=
check "status 0" is_equal 0 "$status"
check "the socket is gone" test ! -e "$work/console"
check "nothing came out elsewhere" test ! -s "$work/out"
finish
