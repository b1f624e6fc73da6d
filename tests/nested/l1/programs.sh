#!/bin/sh
# In L1: run the test programs in /programs, and count. What they skip for want of KVM fails here.
# shellcheck disable=SC1091,SC2154 # what lib.sh sets
. "$(dirname "$0")/lib.sh"
cd /
for program in /programs/*; do
    name=${program##*/}
    status=0
    timeout -s KILL 120 "$program" >"$work/out" 2>&1 || status=$?
    count=$(awk '/^\[ +PASSED +\]/ { for (i = 1; i <= NF; i++) if ($i ~ /^[0-9]+$/) { print $i; exit } }' "$work/out")
    skipped_here=$(grep -c '^\[ *SKIPPED *\].*[a-z]_' "$work/out")
    if [ "$status" -eq 0 ] && [ "${count:-0}" -gt 0 ] && [ "$skipped_here" -eq 0 ]; then
        pass "$name: $count tests"
    else
        fail "$name: status $status, $skipped_here skipped"
        sed 's/^/     | /' "$work/out" | tail -n 60
    fi
done
finish
