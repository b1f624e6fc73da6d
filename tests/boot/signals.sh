#!/usr/bin/env bash
# tests/boot/signals.sh BUILD_DIR: SIGINT, SIGTERM and SIGHUP end a running guest cleanly; SIGUSR1
# presses the power button, and this machine has none.
set -euo pipefail
# shellcheck source=tests/boot/lib.sh
. "$(dirname "$0")/lib.sh"
PATH=$PATH:/usr/sbin:/sbin
prepare_guest
disk=$work/disk.img

wait_for() { # TEXT SECONDS
    local i
    for ((i = 0; i < $2 * 10; i++)); do
        grep -q "$1" "$work/log" && return 0
        kill -0 "$guest_pid" 2>/dev/null || return 1
        sleep 0.1
    done
    return 1
}

ends_by() { # SIGNAL TEXT: sent once the console shows TEXT
    local i
    rm -f "$disk"
    tests/boot/mkdisk "$disk"
    : >"$work/log"
    # A background job of a script ignores SIGINT, and an ignored signal stays so over exec: python
    # gives it back.
    python3 -c 'import os, signal, sys
for one in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
    signal.signal(one, signal.SIG_DFL)
os.execv(sys.argv[1], sys.argv[1:])' "$backplane" run virt --arch riscv64 --kernel "$cache/Image" \
        --initrd "$initrd" --append "console=ttyS0 bp.script" --cpus 2 --set "disk=$disk" \
        </dev/null >"$work/log" 2>"$work/err" &
    guest_pid=$!
    if ! wait_for "$2" "$boot_seconds"; then
        fail "SIG$1: the guest never printed '$2'"
        kill -KILL "$guest_pid" 2>/dev/null || true
        wait "$guest_pid" 2>/dev/null || true
        guest_pid=
        return 0
    fi
    if [[ $1 == HUP ]]; then
        kill -s USR1 "$guest_pid"
        check "SIGUSR1 without a power button: a sentence, and it runs on" says_no_button
    fi
    kill -s "$1" "$guest_pid"
    for ((i = 0; i < 50; i++)); do
        kill -0 "$guest_pid" 2>/dev/null || break
        sleep 0.1
    done
    if kill -0 "$guest_pid" 2>/dev/null; then
        fail "SIG$1 at '$2': still running after 5 s"
        kill -KILL "$guest_pid"
    fi
    status=0
    wait "$guest_pid" 2>/dev/null || status=$?
    guest_pid=
    check "SIG$1 at '$2' ends it with status 130" is_equal 130 "$status"
    # A journal to replay is what a power cut leaves; damage is not.
    check "and the disk is whole" fsck_replays
}

# shellcheck disable=SC2317 # called by check
says_no_button() {
    local i
    for ((i = 0; i < 50; i++)); do
        ! grep -q "no device of this machine has a power button" "$work/err" || break
        sleep 0.1
    done
    ((i < 50)) && kill -0 "$guest_pid"
}

# shellcheck disable=SC2317 # called by check
fsck_replays() { e2fsck -fy "$disk" >"$work/fsck" 2>&1 || [[ $? -le 1 ]]; }

ends_by INT 'Linux version'
ends_by TERM 'Freeing unused kernel'
ends_by HUP "$ready"
finish
