#!/bin/busybox sh
# shellcheck shell=dash
# The tests of systemd.sh, in its machine: one unit after the other, as an administrator would.

export PATH=/bin:/usr/bin
/bin/busybox --install -s /usr/sbin
PATH=$PATH:/usr/sbin
passed=0 failed=0

check() { # TITLE COMMAND...
    title=$1
    shift
    if "$@" >/tmp/why 2>&1; then
        passed=$((passed + 1))
        echo "PASS $title"
    else
        failed=$((failed + 1))
        echo "FAIL $title"
        sed 's/^/     /' /tmp/why
        systemctl --no-pager status 'backplane@*' 2>&1 | tail -n 12 | sed 's/^/     /'
    fi
}

shows() { # UNIT PROPERTY VALUE
    found=$(systemctl show "backplane@$1" -p "$2" --value)
    echo "$2: $found, not $3"
    [ "$found" = "$3" ]
}
pid() { systemctl show backplane@web -p MainPID --value; }
has_line() { # FILE TEXT
    cat "$1"
    grep -q "$2" "$1"
}
fails() { ! "$@"; }
within() { # SECONDS COMMAND...
    read -r begin _ </proc/uptime
    limit=$1
    shift
    "$@"
    read -r end _ </proc/uptime
    echo "from $begin to $end"
    [ $((${end%.*} - ${begin%.*})) -le "$limit" ]
}
unit_said() { # UNIT TEXT
    cat "/tmp/said.$1"
    grep -q "$2" "/tmp/said.$1"
}

# What the units say goes to files: this journal is not looked into.
for one in web buttonless wrong; do
    mkdir -p "/run/systemd/system/backplane@$one.service.d"
    printf '[Service]\nStandardError=append:/tmp/said.%s\n' $one \
        >"/run/systemd/system/backplane@$one.service.d/log.conf"
done
mkdir -p /var/lib/backplane/web
dd if=/dev/zero of=/var/lib/backplane/web/disk.img bs=1024 count=1024 2>/dev/null
mknod /dev/kvm c 10 232
chown 0:104 /dev/kvm
chmod 660 /dev/kvm
systemctl daemon-reload

# --- a machine's life ---------------------------------------------------------------------------
check "start: comes back when the guest runs" systemctl start backplane@web
check "start: and says so" shows web StatusText "The guest runs."
cat "/proc/$(pid)/status" >/tmp/status
check "sandbox: no capabilities" has_line /tmp/status 'CapBnd:.0000000000000000'
check "sandbox: a filter of system calls" has_line /tmp/status 'Seccomp:.2'
check "sandbox: no new privileges" has_line /tmp/status 'NoNewPrivs:.1'
check "sandbox: the group of /dev/kvm" has_line /tmp/status 'Groups:.104 '
user=$(stat -c %u /run/backplane/web/console)
check "sandbox: a user of its own" test "$user" -gt 60000
check "disk: it was given to that user" test "$(stat -c %u /var/lib/backplane/web/disk.img)" = "$user"
check "console: for that user alone" test "$(stat -c %a /run/backplane/web/console)" = 600
talk /run/backplane/web/console hello >/tmp/talked
check "console: what was written before" has_line /tmp/talked 'guest: up'
check "console: and what is written now" has_line /tmp/talked hello
check "stop: by the button" within 30 systemctl stop backplane@web
check "stop: is no failure" fails systemctl is-failed backplane@web
check "stop: the socket's directory is gone" test ! -e /run/backplane/web

# --- guests that do not obey --------------------------------------------------------------------
mkdir -p /etc/systemd/system/backplane@web.service.d
printf '[Service]\nEnvironment=BACKPLANE_STOP_SECONDS=4\n' \
    >/etc/systemd/system/backplane@web.service.d/stop.conf
systemctl daemon-reload
systemctl start backplane@web
talk /run/backplane/web/console i >/tmp/talked
check "deaf: it was told to ignore the button" has_line /tmp/talked 'guest: ignoring'
check "deaf: stop takes its time and then SIGTERM" within 40 systemctl stop backplane@web
check "deaf: is no failure" fails systemctl is-failed backplane@web
systemctl start backplane@buttonless
check "buttonless: stop does not wait" within 30 systemctl stop backplane@buttonless
check "buttonless: is no failure" fails systemctl is-failed backplane@buttonless
check "buttonless: and it says why" unit_said buttonless "has a power button: it ends at once"

# --- ends of other kinds ------------------------------------------------------------------------
systemctl start backplane@web
talk /run/backplane/web/console x >/tmp/talked
check "off: a guest that powers off ends the service" shows web ActiveState inactive
systemctl start backplane@web
former=$(pid)
kill -KILL "$former"
sleep 8
check "killed: it begins again" shows web ActiveState active
check "killed: as another process" test "$(pid)" != "$former"
systemctl stop backplane@web
check "wrong: it cannot be started" fails systemctl start backplane@wrong
sleep 4
check "wrong: nobody tries again" shows wrong NRestarts 0
check "wrong: and it says where" unit_said wrong "wrong.ini:4: boot: kernal = guest.elf"

echo "$passed passed, $failed failed, 0 skipped"
sleep 1
poweroff -f
