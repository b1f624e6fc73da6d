#!/usr/bin/env bash
# tests/boot/errors.sh BUILD_DIR: what goes wrong at the host reaches the guest as what it is: a disk
# that is full or cut off as I/O errors, streams that are closed or endless not at all. What the guest
# has synced is on the disk even if the program is killed. Disks are tried with both of their engines.
# BP_SEED=N repeats a run's random choices.
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

run_scripted() { # [ENGINE]
    : >"$work/log"
    exec timeout -k 5 "$boot_seconds" "$backplane" run virt --arch riscv64 --kernel "$cache/Image" \
        --initrd "$initrd" --append "console=ttyS0 bp.run=/mnt/run" \
        --set "disk=$work/disk.img" --set "io=${1:-auto}"
}

# shellcheck disable=SC2317 # called by check
is_whole() { e2fsck -fn "$work/disk.img" >"$work/fsck" 2>&1; }

# --- A disk that is full, then cut off -------------------------------------------------------
feed_failing() {
    wait_for "$ready"
    echo 'dd if=/dev/zero of=/dev/vda bs=1M count=16 conv=fsync; echo "full: $?"
dd if=/dev/vda of=/dev/null bs=1M count=16; echo "still read: $?"
echo 3 >/proc/sys/vm/drop_caches; echo "cut: now"'
    wait_for '^cut: now'
    truncate -s 2M "$work/disk.img"
    echo 'dd if=/dev/vda of=/dev/null bs=1M skip=4 count=1; echo "cut off: $?"
dd if=/dev/vda of=/dev/null bs=1M count=1; echo "before the cut: $?"
poweroff'
    exec sleep "$boot_seconds" # until killed: the guest's input stays open
}

# A file-size limit is what a full disk looks like, and needs neither root nor a file system.
run_with_little_room() { # ENGINE
    ulimit -f 8192 # KiB
    exec timeout -k 5 "$boot_seconds" "$backplane" run virt --arch riscv64 --kernel "$cache/Image" \
        --initrd "$initrd" --append "console=ttyS0 bp.script" --set "disk=$work/disk.img" \
        --set "io=$1"
}

check_failing_disk() { # ENGINE
    local feeder
    rm -f "$work/disk.img" "$work/in"
    truncate -s 64M "$work/disk.img"
    : >"$work/log"
    mkfifo "$work/in"
    feed_failing >"$work/in" &
    feeder=$!
    status=0
    (run_with_little_room "$1") <"$work/in" 2>"$work/err" | cat >"$work/log" || status=$?
    kill "$feeder" 2>/dev/null || true
    check "$1: a guest with a failing disk ends with status 0" is_equal 0 "$status"
    check "$1: writing beyond what fits is an error in the guest" is_equal 1 "$(said full)"
    check "$1: reading goes on" is_equal 0 "$(said 'still read')"
    check "$1: reading where the file was cut off is an error" is_equal 1 "$(said 'cut off')"
    check "$1: reading before the cut is none" is_equal 0 "$(said 'before the cut')"
    check "$1: the user is told once" \
        is_equal 1 "$(grep -c 'the guest gets an I/O error' "$work/err")"
}

# --- Killed at some moment, while the guest writes and syncs ---------------------------------
# File N is a part of the seed file from N * 100 on: the host knows each of them.
# shellcheck disable=SC2317 # called by check
has_synced() { # LAST
    local i
    debugfs -R "dump /seed $work/seed" "$work/disk.img" 2>/dev/null
    for ((i = 1; i <= $1; i++)); do
        tail -c +$((i * 100)) "$work/seed" | cmp -s - \
            <(debugfs -R "cat /x/$i" "$work/disk.img" 2>/dev/null) || {
            echo "     file $i of $1 is not what was synced"
            return 1
        }
    done
}

check_killed() { # ENGINE
    local n=$((2 + RANDOM % 20)) last
    mkdir -p "$work/tree"
    head -c 40000 /dev/urandom >"$work/tree/seed"
    make_scripted 'mkdir /mnt/x; i=0; while i=$((i + 1)) && [ $i -lt 300 ]; do
tail -c +$((i * 100)) /mnt/seed >/mnt/x/$i; sync; echo "synced: $i"; done; sleep 1000'
    (run_scripted "$1") </dev/null >"$work/log" 2>"$work/err" &
    guest_pid=$!
    check "$1: the guest syncs $n files" wait_for "^synced: $n"
    pkill -KILL -P "$guest_pid" || true # timeout's child
    kill -KILL "$guest_pid" 2>/dev/null || true
    wait "$guest_pid" 2>/dev/null || true
    guest_pid=
    last=$(said synced)
    e2fsck -E journal_only -p "$work/disk.img" >/dev/null 2>&1 || true
    check "$1: the disk of a killed program is whole" is_whole
    check "$1: and has the ${last:-?} files that were synced" has_synced "${last:-1000}"
}

RANDOM=${BP_SEED:=$RANDOM}
echo "seed $BP_SEED"
for engine in io_uring threads; do
    make_scripted 'echo "runs: yes"'
    (run_scripted $engine) </dev/null >"$work/log" 2>"$work/err" || true
    if [[ $(said runs) != yes ]] && grep -q '^.*io = io_uring: ' "$work/err"; then
        skip "disks with io_uring: $(grep -o 'io = io_uring: .*' "$work/err")"
        continue
    fi
    check_failing_disk $engine
    check_killed $engine
done

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

finish
