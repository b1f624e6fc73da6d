# shellcheck shell=bash disable=SC2154 # the caller's: cache, suite, deb_arch
# Packages of another architecture or release, without touching the host: sourced by what fetches some.
#
# They come from the mirror that this host's own apt uses, with their signatures checked, in apt
# directories of our own; nothing of the host changes. BP_MIRROR=URI names another Debian mirror,
# BP_KEYRING=FILE another archive keyring.
#
# The caller has: cache (a folder, absolute; apt's own things go to cache/apt and what is downloaded
# to cache/deb.new), suite, deb_arch, and the functions say and fail. In order: need_apt, find_mirror,
# find_keyring, read_lists; then apt_show, size_of and download.

need_apt() { # WHAT
    if ! command -v apt-get >/dev/null || ! command -v dpkg-deb >/dev/null; then
        fail "$1 from Debian's packages: this needs apt-get and dpkg-deb"
    fi
}

# One "URI SUITE" line for each source of this host's apt, of either format.
list_host_sources() {
    local file
    for file in /etc/apt/sources.list /etc/apt/sources.list.d/*.list; do
        [[ -r $file ]] || continue
        sed -nE 's/^deb[[:space:]]+(\[[^]]*\][[:space:]]*)?([^[:space:]]+)[[:space:]]+([^[:space:]]+).*/\2 \3/p' \
            "$file"
    done
    for file in /etc/apt/sources.list.d/*.sources; do
        [[ -r $file ]] || continue
        awk '
            function flush(i, j, nu, ns, u, s) {
                nu = split(uris, u, " "); ns = split(suites, s, " ")
                if (types ~ /(^| )deb( |$)/ && enabled !~ /^(no|false)$/)
                    for (i = 1; i <= nu; i++) for (j = 1; j <= ns; j++) print u[i], s[j]
                uris = suites = types = enabled = ""
            }
            /^#/ { next }
            /^[ \t]*$/ { flush(); next }
            match($0, /^[A-Za-z-]+:/) { # else a further line of the same key
                key = tolower(substr($0, 1, RLENGTH - 1))
                $0 = substr($0, RLENGTH + 1)
            }
            { text = $0; sub(/^[ \t]+/, "", text) }
            key == "uris" { uris = uris " " text }
            key == "suites" { suites = suites " " text }
            key == "types" { types = types " " text }
            key == "enabled" { enabled = tolower(text) }
            END { flush() }' "$file"
    done
}

# The mirror of Debian proper: the source whose suite is a release, not security or updates.
find_mirror() {
    local uri name
    if [[ -n ${BP_MIRROR-} ]]; then
        mirror=$BP_MIRROR
        return 0
    fi
    while read -r uri name; do
        case $name in
        buster | bullseye | bookworm | trixie | forky | sid | oldstable | stable | testing | unstable)
            case $uri in *security*) continue ;; esac
            mirror=$uri host_suite=$name
            return 0
            ;;
        esac
    done < <(list_host_sources)
    fail "apt on this host names no Debian mirror; give one: BP_MIRROR=URI"
}

# Our own apt: sources, lists, status and cache under build/cache; no hooks of the host.
write_apt_config() { # SUITE ARCH KEYRING
    mkdir -p "$cache"/apt/{sources,lists/partial,archives/partial,state}
    : >"$cache/apt/state/status"
    cat >"$cache/apt/sources/backplane.sources" <<EOF
Types: deb
URIs: $mirror
Suites: $1
Components: main
Architectures: $2
Signed-By: $3
EOF
    cat >"$cache/apt/apt.conf" <<EOF
#clear APT::Update::Pre-Invoke;
#clear APT::Update::Post-Invoke;
#clear APT::Update::Post-Invoke-Success;
#clear DPkg::Post-Invoke;
#clear DPkg::Pre-Install-Pkgs;
#clear APT::Architectures;
APT::Architecture "$2";
APT::Architectures { "$2"; };
APT::Sandbox::User "root";
Acquire::Languages "none";
Acquire::Retries "3";
Dir::Etc::sourcelist "/dev/null";
Dir::Etc::sourceparts "$cache/apt/sources";
Dir::Etc::preferences "/dev/null";
Dir::Etc::preferencesparts "$cache/apt/state";
Dir::State "$cache/apt/state";
Dir::State::lists "$cache/apt/lists";
Dir::State::status "$cache/apt/state/status";
Dir::Cache "$cache/apt";
EOF
}

apt_get() { LC_ALL=C apt-get -c "$cache/apt/apt.conf" "$@"; }
apt_show() { LC_ALL=C apt-cache -c "$cache/apt/apt.conf" show --no-all-versions "$1" 2>/dev/null; }

# Progress on a terminal comes from apt itself; otherwise nothing but our own lines.
download() { # DIR PACKAGE...
    local dir=$1
    shift
    rm -rf "$dir"
    mkdir -p "$dir"
    if [[ -t 1 ]]; then
        (cd "$dir" && apt_get download "$@") || return 1
    else
        (cd "$dir" && apt_get -q download "$@") >"$cache/apt.log" 2>&1 || return 1
    fi
}

update_lists() { apt_get -q update -o APT::Update::Error-Mode=any >"$cache/apt.log" 2>&1; }

show_log_and_fail() {
    grep -E '^(E|W|Err)' "$cache/apt.log" >&2 || true
    fail "$*"
}

find_keyring() {
    local file
    for file in "${BP_KEYRING-}" "$cache"/keyring/usr/share/keyrings/debian-archive-keyring.{gpg,pgp} \
        /usr/share/keyrings/debian-archive-keyring.{gpg,pgp}; do
        [[ -n $file && -r $file ]] || continue
        keyring=$file
        return 0
    done
    fail "no Debian archive keyring here: install debian-archive-keyring, or BP_KEYRING=FILE"
}

# An old keyring does not know this suite's key: the host's own suite has a newer keyring.
renew_keyring() {
    say "the archive keyring does not know $suite: getting the newer one of ${host_suite-$suite}"
    write_apt_config "${host_suite-$suite}" "$(dpkg --print-architecture)" "$keyring"
    update_lists || show_log_and_fail "cannot read the package lists of ${host_suite-$suite}"
    download "$cache/deb.new" debian-archive-keyring ||
        show_log_and_fail "cannot download debian-archive-keyring"
    rm -rf "$cache/keyring"
    dpkg-deb -x "$cache"/deb.new/debian-archive-keyring_*.deb "$cache/keyring"
    find_one keyring "$cache"/keyring/usr/share/keyrings/debian-archive-keyring.{gpg,pgp}
    keyring=$found
}

read_lists() {
    say "package lists of Debian $suite for $deb_arch"
    write_apt_config "$suite" "$deb_arch" "$keyring"
    update_lists && return 0
    grep -qE 'NO_PUBKEY|not available|Missing key' "$cache/apt.log" ||
        show_log_and_fail "cannot read the package lists (no network?)"
    renew_keyring
    write_apt_config "$suite" "$deb_arch" "$keyring"
    update_lists || show_log_and_fail "cannot read the package lists, keyring renewed"
}

size_of() { apt_show "$1" | awk '/^Size:/ { printf "%d MB", $2 / 1000000 + 0.5; exit }'; }

find_one() { # WHAT GLOB...
    local what=$1 file
    shift
    for file in "$@"; do
        [[ -e $file ]] || continue
        found=$file
        return 0
    done
    fail "the package holds no $what: has its layout changed?"
}
