#!/bin/sh
# Installs what the build and the tests need and the machine lacks, with the
# system's package manager.  Asks nothing, and does nothing when all is there.
#
#   need   without these nothing can be built or tested
#   real   programs of other people that the tests watch, and compilers of
#          further languages: tests say aloud what they skip for want of one
set -eu

as_root() {
    if [ "$(id -u)" -eq 0 ]; then
        "$@"
    elif command -v sudo >/dev/null; then
        sudo -n "$@"
    else
        echo "deps: not root and no sudo: please install: $*" >&2
        return 1
    fi
}

# missing HAS PACKAGE...: those for which `HAS PACKAGE` is false
missing() {
    has=$1
    shift
    for package; do
        "$has" "$package" || printf '%s ' "$package"
    done
}

# install HAS UPDATE INSTALL: each a function
install_missing() {
    # shellcheck disable=SC2086
    lacking=$(missing "$1" $need) wanted=$(missing "$1" $real)
    [ -z "$lacking$wanted" ] && return
    "$2"
    # shellcheck disable=SC2086
    [ -z "$lacking" ] || "$3" $lacking
    # One by one: what a release of the system does not have must not keep away the others.
    for package in $wanted; do
        "$3" "$package" || echo "deps: no package $package here; tests that want it will be skipped" >&2
    done
}

# ---- Debian, Ubuntu ----------------------------------------------------------
apt_has() {
    [ "$(dpkg-query -W -f '${db:Status-Status}' "$1" 2>/dev/null)" = installed ]
}
apt_update() {
    as_root apt-get update -q
}
# No questions, and no daemon started because its package came.
apt_install() {
    as_root env DEBIAN_FRONTEND=noninteractive RUNLEVEL=1 \
        apt-get install -q -y --no-install-recommends --no-remove "$@"
}

# ---- Fedora, RHEL ---------------------------------------------------------------
rpm_has() {
    rpm -q --whatprovides "$1" >/dev/null 2>&1
}
dnf_install() {
    as_root dnf install -q -y "$@"
}

# ---- Alpine (builds; musl is not glibc, so the shim there is unproven) -------------
apk_has() {
    apk info -e "$1" >/dev/null 2>&1
}
apk_install() {
    as_root apk add -q "$@"
}

# ---- Arch ----------------------------------------------------------------------------
pacman_has() {
    pacman -Qq "$1" >/dev/null 2>&1
}
pacman_update() {
    as_root pacman -Sy --noconfirm
}
pacman_install() {
    as_root pacman -S --noconfirm --needed "$@"
}

if command -v apt-get >/dev/null; then
    need="gcc g++ make libc6-dev pkg-config binutils procps util-linux python3
        libunwind-dev libdw-dev libelf-dev libjansson-dev libiberty-dev check libsubunit-dev"
    real="scdoc redis-server redis-tools memcached xz-utils zstd pigz 7zip sysbench gdb nginx-light elfutils
        libgtest-dev libcmocka-dev libglib2.0-dev libuv1-dev valgrind bats meson ninja-build cmake automake autoconf python3-pytest python3-yaml lld libxml2-utils jq perl npm"
    [ "$(uname -m)" = x86_64 ] && real="$real gcc-multilib"
    # p7zip-full's 7z will do where 7zip has not come yet.
    command -v 7z >/dev/null && real=$(echo "$real" | sed 's/ 7zip / /')
    # Any node, rustc, clang and nginx will do, also those that no package brought.
    command -v clang >/dev/null || real="$real clang"
    command -v node >/dev/null || real="$real nodejs"
    command -v npm >/dev/null && real=$(echo "$real" | sed 's/ npm\b//')
    command -v rustc >/dev/null || real="$real rustc"
    command -v nginx >/dev/null && real=$(echo "$real" | sed 's/nginx-light//')
    install_missing apt_has apt_update apt_install
    # Of Debian's python3, whose version is known now.
    if ! python3 -c 'import test.test_threading' 2>/dev/null; then
        need=
        real="lib$(basename "$(readlink -f /usr/bin/python3)")-testsuite"
        install_missing apt_has true apt_install
    fi
elif command -v dnf >/dev/null; then
    need="gcc gcc-c++ make glibc-devel pkgconf-pkg-config binutils procps-ng util-linux python3 libasan libubsan
        libtsan libunwind-devel elfutils-devel elfutils-libelf-devel jansson-devel binutils-devel check-devel"
    real="glibc-static scdoc redis memcached xz zstd pigz p7zip sysbench gdb nginx-core nodejs python3-test elfutils clang
        gtest-devel libcmocka-devel glib2-devel libuv-devel valgrind bats meson ninja-build cmake automake autoconf python3-pytest python3-pyyaml lld libxml2 jq npm perl-Test-Harness perl-JSON-PP"
    install_missing rpm_has true dnf_install
elif command -v apk >/dev/null; then
    need="gcc g++ make musl-dev pkgconf binutils procps util-linux python3 linux-headers
        libunwind-dev elfutils-dev jansson-dev binutils-dev check-dev"
    real="scdoc redis memcached xz zstd pigz 7zip sysbench gdb nginx nodejs elfutils clang
        gtest-dev cmocka-dev glib-dev libuv-dev valgrind bats meson ninja cmake automake autoconf py3-pytest py3-yaml lld libxml2-utils jq perl perl-utils npm"
    install_missing apk_has true apk_install
elif command -v pacman >/dev/null; then
    need="gcc make pkgconf binutils procps-ng util-linux python libunwind elfutils jansson check"
    real="scdoc redis memcached xz zstd pigz 7zip sysbench gdb nginx nodejs clang
        gtest cmocka glib2 libuv valgrind bats meson ninja cmake automake autoconf python-pytest python-yaml lld libxml2 jq perl npm"
    install_missing pacman_has pacman_update pacman_install
else
    echo "deps: no apt, dnf, apk or pacman here; the needed libraries are" >&2
    echo "deps: libunwind, elfutils (libdw, libelf), jansson, libiberty, check" >&2
    exit 1
fi
