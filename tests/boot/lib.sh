# shellcheck shell=bash disable=SC2034 # status and took are for the tests
# What the boot tests share: sourced by them, in the repository's root, with $1 the build tree.
#
# A test talks to a guest in steps, each of them "wait until the guest is ready for the Nth time,
# then send these lines". Results are PASS, FAIL and SKIP lines and a count at the end.

set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."

build=${1:?usage: $0 BUILD_DIR}
arch=riscv64
cache=build/cache/$arch
initrd=$build/tests/boot/$arch/initrd.gz
boot_seconds=${BP_BOOT_SECONDS:-150}
ready='Backplane guest ready.'
passed=0 failed=0 skipped=0
backplane=$build/backplane

work=$(mktemp -d)
guest_pid=
clean_up() {
    [[ -z $guest_pid ]] || kill -KILL "$guest_pid" 2>/dev/null || true
    rm -rf "$work"
}
trap clean_up EXIT

pass() {
    passed=$((passed + 1))
    echo "PASS $*"
}

fail() {
    failed=$((failed + 1))
    echo "FAIL $*"
    [[ ! -s $work/log ]] || {
        echo "     the last lines of the console:"
        tail -n "${BP_LOG_LINES:-15}" "$work/log" | tr -d '\r' | sed 's/^/     | /'
    }
    [[ ! -s $work/err ]] || sed 's/^/     stderr: /' "$work/err"
}

skip() {
    skipped=$((skipped + 1))
    echo "SKIP $*"
}

finish() {
    echo "$passed passed, $failed failed, $skipped skipped"
    [[ $failed -eq 0 ]]
    exit
}

# check TITLE COMMAND...: passes if the command does.
check() {
    local title=$1
    shift
    if "$@"; then pass "$title"; else fail "$title"; fi
}

is_equal() {
    [[ $1 == "$2" ]] || {
        echo "     wanted: $1"
        echo "     found:  $2"
        return 1
    }
}

# What the guest printed on a line that begins with WORD and a colon.
said() { tr -d '\r' <"$work/log" | sed -n "s/^$1: *//p" | tail -n 1; }

prepare_guest() {
    [[ -x $backplane ]] || {
        echo "FAIL $backplane is not built"
        echo "0 passed, 1 failed, 0 skipped"
        exit 1
    }
    tests/setup demo
    tests/boot/fetch $arch
    mkdir -p "${initrd%/*}"
    (
        flock 9
        tests/boot/mkinitrd $arch "$initrd"
    ) 9>"$build/tests/boot/.lock"
}

count_ready() { grep -c "$ready" "$work/log" 2>/dev/null || true; }

# feed STEP...: STEP is "N text": once the guest has been ready N times, send the text.
feed() {
    local one
    for one; do
        until [[ $(count_ready) -ge ${one%% *} ]]; do sleep 0.1; done
        printf '%s\n' "${one#* }"
    done
    # Keep the pipe open: what follows is the guest's to say.
    while :; do sleep 1; done
}

# talk ARGS -- STEP...: run $machine (virt) with the arguments, say the steps; sets status, log in
# $work/log.
talk() {
    local args=() begin=$SECONDS feeder
    while [[ $# -gt 0 && $1 != -- ]]; do
        args+=("$1")
        shift
    done
    [[ $# -eq 0 ]] || shift
    rm -f "$work/in"
    mkfifo "$work/in"
    : >"$work/log"
    feed "$@" >"$work/in" 2>/dev/null &
    feeder=$!
    status=0
    timeout -k 5 "$boot_seconds" "$backplane" run "${machine-virt}" --arch riscv64 --kernel "$cache/Image" --initrd "$initrd" \
        --append "console=ttyS0 bp.script" "${args[@]}" \
        <"$work/in" >"$work/log" 2>"$work/err" || status=$?
    kill "$feeder" 2>/dev/null || true
    wait "$feeder" 2>/dev/null || true
    took=$((SECONDS - begin))
}
