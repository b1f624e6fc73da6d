#!/usr/bin/env bash
# tests/boot/errors.sh BUILD_DIR: what goes wrong at the host reaches the guest as what it is: a disk
# that is full or cut off as I/O errors, streams that are closed or endless not at all. What the guest
# has synced is on the disk even if the program is killed.
# shellcheck disable=SC2016 # it is the guest's shell that expands what is said to it
set -euo pipefail
# shellcheck source=tests/boot/lib.sh
. "$(dirname "$0")/lib.sh"
PATH=$PATH:/usr/sbin:/sbin
prepare_guest

wait_for() { # TEXT
    local i
    for ((i = 0; i < boot_seconds * 10; i++)); do
        ! grep -q "$1" "$work/log" || return 0
        sleep 0.1
    done
    return 1
}

# A disk whose file system has the script that the guest runs (bp.run).
make_scripted() { # SCRIPT
    mkdir -p "$work/tree"
    printf '%s\n' "$1" >"$work/tree/run"
    rm -f "$work/disk.img"
    truncate -s 16M "$work/disk.img"
    mke2fs -q -F -t ext4 -d "$work/tree" "$work/disk.img"
}

run_scripted() {
    : >"$work/log"
    exec timeout -k 5 "$boot_seconds" "$backplane" run virt --kernel "$cache/Image" \
        --initrd "$initrd" --append "console=ttyS0 bp.run=/mnt/run" --set "disk=$work/disk.img"
}

# --- A disk that is full, then cut off -------------------------------------------------------
truncate -s 64M "$work/disk.img"
: >"$work/log"
mkfifo "$work/in"
(
    wait_for "$ready"
    echo 'dd if=/dev/zero of=/dev/vda bs=1M count=16 conv=fsync; echo "full: $?"
dd if=/dev/vda of=/dev/null bs=1M count=16; echo "still read: $?"
echo 3 >/proc/sys/vm/drop_caches; echo "cut: now"'
    wait_for '^cut: now'
    truncate -s 2M "$work/disk.img"
    echo 'dd if=/dev/vda of=/dev/null bs=1M skip=4 count=1; echo "cut off: $?"
dd if=/dev/vda of=/dev/null bs=1M count=1; echo "before the cut: $?"
poweroff'
    sleep "$boot_seconds"
) >"$work/in" &
feeder=$!
status=0
# A file-size limit is what a full disk looks like, and needs neither root nor a file system.
(
    ulimit -f 8192 # KiB
    exec timeout -k 5 "$boot_seconds" "$backplane" run virt --kernel "$cache/Image" \
        --initrd "$initrd" --append "console=ttyS0 bp.script" --set "disk=$work/disk.img"
) <"$work/in" 2>"$work/err" | cat >"$work/log" || status=$?
kill "$feeder" 2>/dev/null || true
check "a guest with a failing disk ends with status 0" is_equal 0 "$status"
check "writing beyond what fits is an error in the guest" is_equal 1 "$(said full)"
check "reading goes on" is_equal 0 "$(said 'still read')"
check "reading where the file was cut off is an error" is_equal 1 "$(said 'cut off')"
check "reading before the cut is none" is_equal 0 "$(said 'before the cut')"
check "the user is told once" is_equal 1 "$(grep -c 'the guest gets an I/O error' "$work/err")"

# --- Streams ---------------------------------------------------------------------------------
# shellcheck disable=SC2317 # called by check
has_work() { [[ $(debugfs -R 'cat /made' "$work/disk.img" 2>/dev/null) == 'by the guest' ]]; }
make_script_that_works() { make_scripted 'echo by the guest >/mnt/made; sync'; }

make_script_that_works

status=0
(run_scripted) </dev/zero >/dev/null 2>"$work/err" || status=$?
check "with input without end it boots and powers off" is_equal 0 "$status"
check "and its work is there" has_work

make_script_that_works
status=0
(run_scripted) <&- >&- 2>&- || status=$?
check "with no standard streams it boots and powers off" is_equal 0 "$status"
check "and its disk is its own" has_work

make_script_that_works
status=0
(run_scripted) </ >/dev/full 2>"$work/err" || status=$?
check "with a directory for input and a full disk for output it boots and powers off" \
    is_equal 0 "$status"
check "and has done its work" has_work
check "the user is told of the output" grep -q 'standard output cannot be written' "$work/err"

# shellcheck disable=SC2317 # called by check
is_whole() { e2fsck -fn "$work/disk.img" >"$work/fsck" 2>&1; }

# --- Killed after a sync ---------------------------------------------------------------------
make_scripted 'mkdir /mnt/x; for i in 1 2 3 4 5 6 7 8 9; do echo "line $i" >/mnt/x/$i; done
sync; echo "synced: yes"; sleep 1000'
(run_scripted) </dev/null >"$work/log" 2>"$work/err" &
guest_pid=$!
check "the guest syncs" wait_for '^synced: yes'
pkill -KILL -P "$guest_pid" || true # timeout's child
kill -KILL "$guest_pid" 2>/dev/null || true
wait "$guest_pid" 2>/dev/null || true
guest_pid=
e2fsck -E journal_only -p "$work/disk.img" >/dev/null 2>&1 || true
check "the disk of a killed program is whole" is_whole
check "and has what was synced" is_equal 'line 9' \
    "$(debugfs -R 'cat /x/9' "$work/disk.img" 2>/dev/null)"
finish
