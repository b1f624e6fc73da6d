# shellcheck shell=dash disable=SC2034 # status, took and pressed are for the suites
# What the suites that run in L1 share: sourced by them. For busybox's shell.
#
# A guest's console is read line by line. A line "name: value" is a result, see said(); a line
# "ask: WORD..." asks this side to do something: the suite's function react gets the words, and what
# it prints to the guest with tell() the guest reads from its console. So nobody waits for time to pass.

passed=0 failed=0 skipped=0
seconds=${BP_BOOT_SECONDS:-180}
arch=$(uname -m)
[ "$arch" != aarch64 ] || arch=arm64
work=$(mktemp -d)
carriage_return=$(printf '\r')
vmm=
trap '[ -z "$vmm" ] || kill -KILL "$vmm" 2>/dev/null' EXIT

pass() {
    passed=$((passed + 1))
    echo "PASS $*"
}

fail() {
    failed=$((failed + 1))
    echo "FAIL $*"
    if [ -s "$work/log" ]; then
        echo "     the last lines of the console:"
        tail -n "${BP_LOG_LINES:-25}" "$work/log" | sed 's/^/     | /'
    fi
    [ ! -s "$work/err" ] || tail -n 30 "$work/err" | sed 's/^/     stderr: /'
}

skip() {
    skipped=$((skipped + 1))
    echo "SKIP $*"
}

finish() {
    echo "$passed passed, $failed failed, $skipped skipped"
    [ "$failed" -eq 0 ]
    exit
}

# check TITLE COMMAND...: passes if the command does.
check() {
    local title=$1
    shift
    if "$@"; then pass "$title"; else fail "$title"; fi
}

is_equal() {
    [ -n "$1" ] && [ "$1" = "$2" ] && return 0
    echo "     wanted: $1"
    echo "     found:  $2"
    return 1
}

is_within() { # LOW HIGH FOUND
    case $3 in
    '' | *[!0-9]*) ;;
    *) [ "$3" -ge "$1" ] && [ "$3" -le "$2" ] && return 0 ;;
    esac
    echo "     wanted: $1 to $2"
    echo "     found:  $3"
    return 1
}

# What the guest said last, or first, on a line that begins with NAME and a colon.
said() { sed -n "s/^$1: *//p" "$work/log" | tail -n 1; }
said_first() { sed -n "s/^$1: *//p" "$work/log" | head -n 1; }

# All lines that begin with NAME and a bar.
said_lines() { sed -n "s/^$1|//p" "$work/log"; }

# keep_places NAME: what the guest's kernel found goes to the host, for places.py.
keep_places() { grep -E '^(iomem|ioports|interrupts|pnp|acpi|tree)\|' "$work/log" >"/out/$1.places"; }

tell() { echo "$*" >&3; }

# press_power_button: as a user does at the terminal. The guest must run on a terminal.
press_power_button() { printf '\001p' >&3; }

use_guest() { kernel=$1 initrd=$2; }
use_terminal() { terminal=$1; } # yes: the VMM has a terminal

# run_guest MACHINE ARG...: run the guest to its end, reacting to what it asks. Sets status, took;
# the console is in $work/log.
kernel='' initrd='' terminal=''
run_guest() {
    local line machine=$1
    shift
    rm -f "$work/in" "$work/console"
    mkfifo "$work/in" "$work/console"
    : >"$work/log"
    read -r begin _ </proc/uptime
    # busybox's timeout becomes the program that it limits: this is the VMM's own number.
    # shellcheck disable=SC2086 # terminal is a command or nothing
    timeout -s KILL "$seconds" ${terminal:+/nested/terminal} backplane run "$machine" --arch "$arch" \
        --accel kvm --kernel "$kernel" --initrd "$initrd" "$@" \
        <"$work/in" >"$work/console" 2>"$work/err" &
    vmm=$!
    exec 3>"$work/in"
    while IFS= read -r line || [ -n "$line" ]; do
        line=${line%"$carriage_return"}
        echo "$line" >>"$work/log"
        case $line in
        "ask: "*)
            # shellcheck disable=SC2086 # words
            react ${line#ask: }
            ;;
        esac
    done <"$work/console"
    exec 3>&-
    status=0
    wait "$vmm" 2>/dev/null || status=$?
    vmm=
    read -r end _ </proc/uptime
    took=$((${end%.*} - ${begin%.*}))
}
