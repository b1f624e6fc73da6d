# shellcheck shell=bash disable=SC2154 # sourced: self is the script, build the built tree
# What the suites of tests/nested share on the host: counts, parts beside each other.

passed=0 failed=0 skipped=0
work=$(mktemp -d)
running=()
clean_up() {
    local one
    for one in ${running[@]+"${running[@]}"}; do
        kill -- "-$one" 2>/dev/null || true
    done
    wait
    rm -rf "$work"
}
trap clean_up EXIT
trap 'exit 130' INT
trap 'exit 143' TERM HUP

check() { # TITLE COMMAND...
    local title=$1
    shift
    if "$@"; then
        passed=$((passed + 1))
        echo "PASS $title"
    else
        failed=$((failed + 1))
        echo "FAIL $title"
    fi
}

# Only the whole script's count is printed: a part that breaks off has none.
without_count() { sed -u '/^[0-9]* passed, .* skipped$/d'; }

add_count() { # FILE WHAT STATUS: a suite's last line; without one it broke off
    local line p f s _
    if line=$(grep -E '^[0-9]+ passed, [0-9]+ failed, [0-9]+ skipped$' "$1" | tail -n 1); then
        read -r p _ f _ s _ <<<"$line"
        passed=$((passed + p)) failed=$((failed + f)) skipped=$((skipped + s))
        [[ $3 -eq 0 || $f -gt 0 ]] || failed=$((failed + 1))
    else
        failed=$((failed + 1))
        echo "FAIL $2: status $3 and no count: it broke off"
    fi
}

is_equal() {
    [[ $1 == "$2" ]] || {
        echo "     wanted: $1"
        echo "     found:  $2"
        return 1
    }
}

compare_places() { # NAME MACHINE...
    local name=$1 one
    shift
    for one; do
        check "$name: $one's devices are where describe says" \
            python3 tests/nested/places.py "$work/$name/$one.json" "$work/$name/$one.places"
    done
}

# An emulated machine uses one of this host's processors: as many at a time as there are. Each part
# is a process group, so that nothing of it is left when this script is ended.
run_beside_each_other() {
    local part busy=0
    set -m
    for part; do
        if [[ $busy -ge $(nproc) ]]; then
            wait -n || true
        fi
        busy=$((busy + 1))
        "$self" "$build" "$part" >"$work/$part.all" 2>&1 </dev/null &
        running+=($!)
    done
    wait
    running=()
    for part; do
        echo "--- $part"
        without_count <"$work/$part.all"
        add_count "$work/$part.all" "$part" 0
    done
}
