# shellcheck shell=bash disable=SC2034,SC2154 # sourced by tests/nested/run, whose variables these are
# What differs between architectures: the emulated machine, and the tree built for it on this host.

# is_host: this host's own programs run in L1.
select_arch() { # ARCH
    arch=$1 is_host='' gic=3 aia='' sysroot='' user_emulator=''
    case $arch in
    x86_64) triplet=x86_64-linux-gnu emulator_program=qemu-system-x86_64 package=qemu-system-x86 ;;
    arm64) triplet=aarch64-linux-gnu emulator_program=qemu-system-aarch64 package=qemu-system-arm ;;
    riscv64) triplet=riscv64-linux-gnu emulator_program=qemu-system-riscv64 package=qemu-system-misc ;;
    *) return 1 ;;
    esac
    build=build
    [[ $(uname -m) != "${triplet%%-*}" ]] || is_host=yes
    [[ $is_host ]] || build=build/$triplet
}

# Programs of another architecture come from their own tree, which is made if it is not there; with
# its libraries, see tests/cross.
prepare_foreign() {
    [[ ! $is_host ]] || return 0
    if [[ $build == "build/$triplet" && ! -x $build/backplane ]]; then
        say "building $build"
        make -j2 CROSS="$triplet-" >&2
    fi
    tests/cross "$arch" >&2
    sysroot=build/cache/sysroot/$arch
    user_emulator=qemu-${triplet%%-*}-static
    command -v "$user_emulator" >/dev/null || user_emulator=qemu-${triplet%%-*}
}

find_foreign() { # NAME: a library of the sysroot, else of the compiler's
    local one
    for one in "$sysroot/usr/lib/$triplet" "$sysroot/usr/lib" "/usr/$triplet/lib"; do
        [[ ! -e $one/$1 ]] || { echo "$one/$1" && return 0; }
    done
    say "$1: a library for $arch that is neither in $sysroot nor in /usr/$triplet/lib"
    return 1
}

# Prints the names of the libraries that programs and plugins in a tree are linked with.
list_needed() { # TREE
    find "$1" -type f \( -perm -u+x -o -name '*.so*' \) -exec readelf -dl {} + 2>/dev/null |
        sed -nE 's/.*\(NEEDED\).*\[(.*)\]/\1/p; s/.*program interpreter: .*\/([^/]*)\]/\1/p' | sort -u
}

# ldd for another architecture. The loader looks in /lib/TRIPLET, and stands in /lib itself.
put_foreign_libraries() { # TREE
    local tree=$1 name file to new=yes
    while [[ $new ]]; do
        new=
        while read -r name; do
            case $name in
            ld-linux*) to=$tree/lib/$name ;;
            *) to=$tree/lib/$triplet/$name ;;
            esac
            [[ ! -e $to ]] || continue
            file=$(find_foreign "$name")
            mkdir -p "${to%/*}"
            cp -L "$file" "$to"
            new=yes
        done < <(list_needed "$tree")
    done
}

# The emulator that has what is asked for. QEMU 7.2's AIA loses interrupts; 9.0's is good.
find_emulator() {
    local version here
    [[ $aia ]] || return 0
    version=$("$emulator_program" --version 2>/dev/null | sed -nE '1s/.*version ([0-9]+).*/\1/p')
    [[ ${version:-0} -lt 9 ]] || return 0
    here=$(uname -m | sed 's/aarch64/arm64/')
    tests/nested/fetch-qemu "$here" riscv64 >&2
    emulator_program=build/cache/qemu/$here-riscv64/qemu/run
}

# The machine that has what KVM needs, and its kernel's words.
write_machine() {
    append='panic=-1 mitigations=off nokaslr'
    # shellcheck disable=SC2054 # the commas are the emulator's
    case $arch in
    x86_64)
        # QEMU 7.2's CMPXCHG16B leaves garbage in the flags now and then: one Linux in seven crashed.
        # One that does not see the instruction does not use it, and neither do its guests.
        qemu=(-cpu max,cx16=off)
        append+=' console=ttyS0 tsc=reliable no_timer_check'
        ;;
    arm64)
        # The architected algorithm of pointer authentication takes half the time.
        qemu=(-M "virt,virtualization=on,gic-version=$gic" -cpu max,pauth-impdef=on)
        append+=' console=ttyAMA0'
        ;;
    riscv64)
        qemu=(-M virt -cpu rv64,h=true)
        # Each processor has files for three vCPUs; those of more are emulated.
        [[ ! $aia ]] || qemu=(-M virt,aia=aplic-imsic,aia-guests=3 -cpu rv64,h=true,smaia=true,ssaia=true)
        append+=' console=ttyS0'
        ;;
    esac
}
