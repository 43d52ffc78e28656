#!/bin/sh
# Writes libunwind.so.8, liblzma.so.5, which it needs, and their licenses into DIRECTORY.
#
#   packaging/release/libunwind.sh DIRECTORY
#
# They are Debian 11's, because those need only glibc 2.17. apt-get downloads the packages from where this machine has its
# own from, and checks their signatures. They are kept in ~/.cache/threadleak.
set -eu

directory=$1
kept=${XDG_CACHE_HOME:-$HOME/.cache}/threadleak/debian11
packages="libunwind8 liblzma5"

download() {
    command -v apt-get >/dev/null || {
        echo "release: libunwind.so.8 for glibc 2.17 comes from Debian 11's packages, and apt-get is not here;" \
            "set RELEASE_LIBUNWIND to a directory that has it" >&2
        exit 1
    }
    from=$(apt-get indextargets --format '$(REPO_URI)' 'Origin: Debian' 'Label: Debian' | head -n 1)
    [ -n "$from" ] || {
        echo "release: apt-get has no list of Debian's packages here; run apt-get update first" >&2
        exit 1
    }
    work=$(mktemp -d)
    trap 'rm -rf "$work"' EXIT
    mkdir -p "$work/state/lists/partial" "$work/cache/archives/partial"
    : >"$work/status"
    echo "deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] $from bullseye main" >"$work/sources"
    cat >"$work/apt.conf" <<END
Dir::Etc::SourceList "$work/sources";
Dir::Etc::SourceParts "-";
Dir::State "$work/state";
Dir::State::status "$work/status";
Dir::Cache "$work/cache";
APT::Sandbox::User "";
END
    (
        cd "$work"
        APT_CONFIG=$work/apt.conf apt-get -qq update
        # shellcheck disable=SC2086
        APT_CONFIG=$work/apt.conf apt-get -qq download $packages
        for file in *.deb; do
            dpkg-deb -x "$file" files
        done
    )
    mkdir -p "$(dirname "$kept")"
    rm -rf "$kept"
    cp -r "$work/files" "$kept"
}

[ -d "$kept" ] || download
mkdir -p "$directory"
cp -L "$(find "$kept" -name libunwind.so.8)" "$(find "$kept" -name liblzma.so.5)" "$directory"
for package in $packages; do
    cp -L "$kept/usr/share/doc/$package/copyright" "$directory/$package.copyright"
done
