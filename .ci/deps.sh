#!/bin/sh
# Installs packages with the package manager of Debian, Fedora or Arch.  It does
# nothing when all of them are there.
#
#   .ci/deps.sh build   what the build needs
#   .ci/deps.sh check   the same, and what the tests and `make lint` need
#   .ci/deps.sh soak    the same, and the language runtimes and the browser of `make soak`
#
# build_*  README.md names these packages
# check_*  the tests fail without these
# real_*   watched programs, frameworks, compilers, linters: without one of these,
#          its tests are skipped and counted
# soak_*   language runtimes (tests/e2e/runtimes.py), a browser (html_report.py), Prometheus and systemd (fleet.py),
#          qemu and headers (aarch64.py), loads (real_suites.py), likewise
# shellcheck disable=SC2034  # list() reads them
set -eu

build_apt="gcc make libc6-dev libunwind-dev libdw-dev libelf-dev libjansson-dev libiberty-dev libprotobuf-c-dev protobuf-c-compiler zlib1g-dev libmicrohttpd-dev libncurses-dev"
check_apt="g++ pkg-config check libsubunit-dev python3 binutils procps util-linux"
real_apt="scdoc redis-server redis-tools memcached nginx-light xz-utils zstd pigz 7zip sysbench gdb elfutils valgrind libgtest-dev libcmocka-dev libglib2.0-dev libuv1-dev libboost-test-dev libboost-thread-dev qtbase5-dev bats python3-pytest python3-yaml perl jq meson ninja-build cmake automake autoconf lld libxml2-utils nodejs npm rustc cargo clang clang-format clang-tidy cppcheck musl-tools shellcheck rsync curl"

build_dnf="gcc make glibc-devel libunwind-devel elfutils-devel elfutils-libelf-devel jansson-devel binutils-devel protobuf-c-devel protobuf-c-compiler zlib-devel libmicrohttpd-devel ncurses-devel"
check_dnf="gcc-c++ libasan libubsan libtsan pkgconf-pkg-config check-devel python3 binutils procps-ng util-linux"
real_dnf="scdoc redis memcached nginx-core xz zstd pigz p7zip sysbench gdb elfutils valgrind glibc-static python3-test gtest-devel libcmocka-devel glib2-devel libuv-devel boost-devel qt5-qtbase-devel bats python3-pytest python3-pyyaml perl-Test-Harness perl-JSON-PP jq meson ninja-build cmake automake autoconf lld libxml2 nodejs npm rust cargo clang clang-tools-extra cppcheck musl-gcc musl-devel ShellCheck rsync curl"

build_pacman="gcc make libunwind libelf jansson binutils protobuf-c zlib libmicrohttpd ncurses"
check_pacman="pkgconf check python procps-ng util-linux"
real_pacman="scdoc redis memcached nginx xz zstd pigz 7zip sysbench gdb elfutils valgrind gtest cmocka glib2 libuv boost qt5-base bats python-pytest python-yaml perl jq meson ninja cmake automake autoconf lld libxml2 nodejs npm rust clang cppcheck musl shellcheck rsync curl"

soak_apt="default-jdk-headless golang-go ocaml erlang-base sbcl libgc-dev liburcu-dev dconf-cli libjavascriptcoregtk-4.1-dev chromium firefox-esr prometheus systemd wrk qemu-user zsh fish debhelper lintian rpm stress-ng debootstrap libc6-dev-arm64-cross"
soak_dnf="java-devel golang ocaml erlang-erts sbcl gc-devel userspace-rcu-devel dconf webkit2gtk4.1-devel chromium firefox golang-github-prometheus systemd wrk qemu-user zsh fish rpm-build rpmlint stress-ng debootstrap"
soak_pacman="jdk-openjdk go ocaml erlang sbcl gc liburcu dconf webkit2gtk-4.1 chromium firefox prometheus systemd qemu-user zsh fish stress-ng debootstrap"

as_root() {
    if [ "$(id -u)" -eq 0 ]; then
        "$@"
    elif command -v sudo >/dev/null; then
        sudo "$@"
    else
        echo "deps: you are not root and sudo is missing; as root, run: $*" >&2
        return 1
    fi
}

# ---- Debian, Ubuntu ----------------------------------------------------------
apt_has() {
    [ "$(dpkg-query -W -f '${db:Status-Status}' "$1" 2>/dev/null)" = installed ]
}
apt_update() {
    as_root apt-get update -qq
}
# Another apt can be at work, such as the one that upgrades at boot.
apt_install() {
    as_root env DEBIAN_FRONTEND=noninteractive DEBCONF_NOWARNINGS=yes \
        apt-get install -o DPkg::Lock::Timeout=600 -qq -y --no-install-recommends --no-remove "$@" >/dev/null
}
# Packages of servers start them, unless this file forbids it.
policy=/usr/sbin/policy-rc.d
forbid_daemons() {
    [ ! -e $policy ] || return 0
    trap 'as_root rm -f $policy' EXIT
    printf '#!/bin/sh\nexit 101\n' | as_root tee $policy >/dev/null
    as_root chmod 755 $policy
}
# Node, Rust, clang, nginx and Java may have come without a package, or from another one.
without_those_at_hand() {
    for package; do
        case $package in
        nodejs) program=node ;;
        npm | rustc | cargo | clang) program=$package ;;
        nginx-light) program=nginx ;;
        7zip) program=7z ;;
        default-jdk-headless) program=javac ;;
        *) program= ;;
        esac
        [ -n "$program" ] && command -v "$program" >/dev/null || printf '%s ' "$package"
    done
}

# ---- Fedora, RHEL ---------------------------------------------------------------
dnf_has() {
    rpm -q --whatprovides "$1" >/dev/null 2>&1
}
dnf_update() {
    true
}
dnf_install() {
    as_root dnf install -q -y "$@"
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

# ---- all -----------------------------------------------------------------------------
# list NAME: build, check, real or soak
list() {
    eval "echo \"\$$1_$manager\""
}

# install_missing NEEDED REAL
install_missing() {
    # shellcheck disable=SC2086
    needed=$(missing $1) real=$(missing $2)
    [ -n "$needed$real" ] || return 0
    # shellcheck disable=SC2086
    echo "deps: installing" $needed $real
    "${manager}_update"
    # shellcheck disable=SC2086
    [ -z "$needed" ] || "${manager}_install" $needed
    # shellcheck disable=SC2086
    [ -z "$real" ] || "${manager}_install" $real || one_by_one $real
}

missing() {
    for package; do
        "${manager}_has" "$package" || printf '%s ' "$package"
    done
}

# An older or newer release may lack one of the packages.
one_by_one() {
    for package; do
        "${manager}_has" "$package" || "${manager}_install" "$package" ||
            echo "deps: $package could not be installed; the tests that need it will be skipped" >&2
    done
}

prepare_apt() {
    forbid_daemons
    # shellcheck disable=SC2086
    real_apt=$(without_those_at_hand $real_apt) soak_apt=$(without_those_at_hand $soak_apt)
    [ "$(uname -m)" != x86_64 ] || real_apt="$real_apt gcc-multilib"
}

# Debian keeps Python's own tests in a package that is named after the version.
finish_apt() {
    # A Python of another origin can lack some of them.
    python3 -c 'import test.test_threading' 2>/dev/null && [ "$1" != soak ] ||
        install_missing "" "lib$(basename "$(readlink -f /usr/bin/python3)")-testsuite"
}

case ${1:-} in
build | check | soak) ;;
*) echo "usage: .ci/deps.sh build|check|soak" >&2 && exit 2 ;;
esac

if command -v apt-get >/dev/null; then
    manager=apt
elif command -v dnf >/dev/null; then
    manager=dnf
elif command -v pacman >/dev/null; then
    manager=pacman
else
    echo "deps: neither apt-get, dnf nor pacman is here; install the packages that README.md names" >&2
    exit 1
fi

if [ "$1" = build ]; then
    install_missing "$(list build)" ""
    exit
fi
[ $manager != apt ] || prepare_apt
install_missing "$(list build) $(list check)" "$(list real)"
[ $manager != apt ] || finish_apt "$1"
[ "$1" != soak ] || install_missing "" "$(list soak)"
