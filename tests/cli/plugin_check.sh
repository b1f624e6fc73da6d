# Part of tests/cli/run: `backplane plugin check`, its arguments and what it shows. What its tests
# find is for tests/conformance/run.
# shellcheck shell=bash disable=SC2154

last_line_is() { # NAME PATTERN
    if tail -n 1 "$work/out" | grep -qE "$2"; then
        pass
    else
        fail "$1" "the last line does not match $2"
    fi
}

expect "plugin check --list" 0 plugin check --list <<'END'
load  load.symbols
api   life.leaks
state state.round-trip
fuzz  fuzz.random
END
expect_narrow "plugin check --list"
expect_json "plugin check --list as JSON" \
    'all(t["title"] and t["level"] in ("load", "api", "state", "fuzz") for t in d["tests"])' \
    plugin check --list --json

expect "plugin check of an id" 0 plugin check pvpanic <<'END'
ok    load.elf
ok    state.round-trip
END
expect_narrow "plugin check"
last_line_is "the label of a check" \
    '^check: pvpanic [0-9.]+: passes at level state \([0-9]+ tests, [0-9]+ skipped, seed 1\)$'
expect "plugin check of a path" 0 plugin check "$build/plugins/pvpanic.so" --level=load --seed 0x10 \
    <<<"ok    load.elf"
last_line_is "the label of a level" 'passes at level load \([0-9]+ tests, ([0-9]+ skipped, )?seed 16\)$'
expect "plugin check of one test" 0 plugin check pvpanic --only load.symbols,,life.setup \
    <<<"ok    life.setup"
last_line_is "the label of two tests" 'passes what --only names \(2 tests, seed 1\)$'
expect "plugin check of a group" 0 plugin check pvpanic --only tables --only load.elf \
    <<<"ok    tables.doc"
expect_json "plugin check as JSON" \
    'd["plugin"].startswith("pvpanic") and d["failed"] == 0 and d["passed"] > 9 and d["label"] and
     len(d["tests"]) == d["passed"] + d["skipped"] and d["seed"] == 1 and d["level"] == "api" and
     all(t["result"] in ("passed", "skipped") for t in d["tests"])' \
    plugin check pvpanic --json --level api

# --- wrong arguments: nothing was tried ------------------------------------------------------
expect "plugin check alone" 2 plugin check <<<"plugin check: FILE.so or ID is missing"
expect "plugin check with a wrong level" 2 plugin check pvpanic --level all \
    <<<"--level all: load, api, state or fuzz is wanted"
expect "plugin check with a wrong seed" 2 plugin check pvpanic --seed x <<<"a number is wanted"
expect "plugin check with an unknown test" 2 plugin check pvpanic --only life.leak \
    <<<'there is no test "life.leak"; did you mean "life.leaks"?'
expect "plugin check with no test" 2 plugin check pvpanic --only , <<<"a name is missing"
expect "plugin check with half a setting" 2 plugin check pvpanic --set path \
    <<<"--set path: KEY=VALUE is wanted"
expect "plugin check of an unknown id" 2 plugin check pvpannic <<<'did you mean "pvpanic"?'
expect "plugin check of no file" 2 plugin check "$work/none.so" <<<"No such file or directory"
expect "plugin check --list of a file" 2 plugin check pvpanic --list <<<"one argument too many"

# --- something failed ------------------------------------------------------------------------
check_fails() { # NAME LABEL ARGUMENT...
    local name=$1 label=$2
    shift 2
    call plugin check "$@"
    if [[ $status -eq 1 ]]; then pass; else fail "$name" "status $status"; fi
    last_line_is "$name" "$label"
}
check_fails "plugin check with a value that is refused" 'fails at level api: life.setup' \
    block-file --level api --set path=/nonexistent
check_fails "plugin check of a directory" 'fails at level state: load.elf' "$work/"
mkfifo "$work/fifo.so"
check_fails "plugin check of a pipe" '^check: fifo.so: fails at level state: load.elf' \
    "$work/fifo.so"
rm "$work/fifo.so"
check_fails "plugin check of a plugin that crashes" \
    '^check: org.example.broken 1.0: fails at level state: life.setup \(1 of' \
    "$build/tests/broken/crash.so"
check_fails "one test of a plugin that crashes" 'fails what --only names: life.orders \(1 of 1 test' \
    "$build/tests/broken/crash.so" --only life.orders

# The user's Ctrl-C ends a test that hangs, and leaves no files behind.
mkdir "$work/tmp"
status=0
TMPDIR=$work/tmp timeout --preserve-status -s INT 1 "$program" plugin check \
    "$build/tests/broken/sleep.so" --only life.setup >"$work/out" 2>"$work/err" || status=$?
if [[ $status -eq 130 && -z $(ls "$work/tmp") ]]; then
    pass
else
    fail "plugin check is interrupted" "status $status, files left: $(ls "$work/tmp")"
fi
status=0
"$program" plugin check pvpanic --level load >/dev/full 2>"$work/err" || status=$?
if [[ $status -eq 1 ]] && grep -q "standard output: cannot be written" "$work/err"; then
    pass
else
    fail "plugin check, output full" "status $status"
fi
