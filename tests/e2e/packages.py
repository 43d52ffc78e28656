#!/usr/bin/env python3
"""packaging/: the package for Debian is built, checked, installed, used and removed; those for others are read.

  tests/e2e/packages.py [--build DIR] [NAME...]      SOAK=1: Debian's too, which takes minutes
"""
import fnmatch
import glob
import os
import re
import subprocess
import sys

import harness
from harness import ROOT, SOAK, Skip, demand, need, need_root

PACKAGING = os.path.join(ROOT, "packaging")
REQUIRED = ("pkgname", "pkgver", "pkgrel", "pkgdesc", "url", "arch", "license", "source", "makedepends")


def read(*parts):
    with open(os.path.join(ROOT, *parts), encoding="utf-8") as file:
        return file.read()


def done(*argv, **more):
    status, out, err = harness.call(argv, timeout=1800, **more)
    demand(status == 0, f"{argv}: {status}\n{out}{err}")
    return out + err


def versions_agree(_):
    version = re.search(r"^VERSION := (\S+)$", read("Makefile"), re.M).group(1)
    for name, found in (("debian/changelog", r"^threadleak \(([^)-]*)"), ("rpm/threadleak.spec", r"^Version: +(\S+)"),
                        ("alpine/APKBUILD", r"^pkgver=(\S+)")):
        got = re.search(found, read("packaging", name), re.M).group(1)
        demand(got == version, f"{name} is of {got}, the Makefile of {version}")


def places(bench):
    """What make install writes with the directories of Fedora."""
    show = bench.write("show.mk", "include Makefile\nshow: ; @printf '%s\\n' $(sort $(PLACES))\n")
    return done("make", "-s", "--no-print-directory", "-C", ROOT, "-f", show, f"BUILD={bench.path('none')}", "PREFIX=/usr",
                "LIBDIR=/usr/lib64", "SHIMDIR=/usr/lib64/threadleak", "show", env=bench.env).split()


def rpm_spec(bench):
    """It is parsed, and its list of files has each file that make install writes."""
    need("rpmspec")
    text = done("rpmspec", "-P", "--define", "_libdir /usr/lib64", os.path.join(PACKAGING, "rpm", "threadleak.spec"), env=bench.env)
    files = re.findall(r"^(?:%dir )?(/\S+)$", text.partition("\n%files\n")[2].partition("\n%changelog")[0], re.M)
    written = places(bench)
    demand(len(written) > 20 and len(files) > 10, f"{written} {files}")
    lacking = [place for place in written if not any(fnmatch.fnmatch(place, name) or place.startswith(name + "/") for name in files)]
    demand(not lacking, f"not in %files: {lacking}")


def apkbuild(bench):
    """The shell reads it, and it has what abuild(1) needs."""
    path = os.path.join(PACKAGING, "alpine", "APKBUILD")
    script = f'. {path}; for name in {" ".join(REQUIRED)}; do eval "test -n \\"\\$$name\\"" || echo "no $name"; done; type build check package'
    out = done("sh", "-euc", script, env=bench.env)
    demand("no " not in out and out.count("function") == 3, out)


def debian(bench):
    need("dpkg-buildpackage", "dh", "lintian", "git", "dpkg-checkbuilddeps")
    need_root()  # dpkg --root changes owners
    tree = bench.path("threadleak")
    os.mkdir(tree)
    names = [name for name in done("git", "ls-files", cwd=ROOT).split() if os.path.exists(os.path.join(ROOT, name))]
    subprocess.run(["cp", "--parents", "-t", tree, *names], cwd=ROOT, check=True)
    done("cp", "-r", os.path.join(tree, "packaging", "debian"), tree)
    missing, _, why = harness.call(["dpkg-checkbuilddeps"], cwd=tree)
    if missing:
        raise Skip(why.strip())
    done("dpkg-buildpackage", "-us", "-uc", cwd=tree, env=bench.environment(DEB_BUILD_OPTIONS=f"nocheck parallel={harness.PARALLEL}"))
    changes, = glob.glob(bench.path("threadleak_*.changes"))
    done("lintian", "--allow-root", "--fail-on", "error,warning", changes)
    package, = glob.glob(bench.path("threadleak_*_*.deb"))
    fields = done("dpkg-deb", "-f", package, "Depends")
    demand("libunwind8" in fields and "libdw1" in fields, fields)
    use_and_remove(bench, package, os.path.join(tree, "debian", "tests", "leaky-program"))


def use_and_remove(bench, package, test):
    """In a directory with a database of packages of its own: this machine's is not touched."""
    root = bench.path("root")
    for directory in ("info", "updates", "triggers"):
        os.makedirs(os.path.join(root, "var/lib/dpkg", directory))
    open(os.path.join(root, "var/lib/dpkg/status"), "w", encoding="utf-8").close()
    dpkg = ("dpkg", f"--root={root}", "--force-depends", "--log=/dev/null")
    done(*dpkg, "--install", package)
    libraries, = glob.glob(os.path.join(root, "usr/lib/*-linux-gnu"))
    os.mkdir(bench.path("bin"))
    bench.write("bin/pkg-config", f'#!/bin/sh\nexec {need("pkg-config")} --define-variable=prefix={root}/usr "$@"\n', 0o755)
    env = bench.environment(PATH=f"{bench.path('bin')}:{root}/usr/bin:{os.environ['PATH']}", PKG_CONFIG_LIBDIR=f"{libraries}/pkgconfig")
    demand("passed" in done(test, env=env), "its own test")
    demand(os.path.exists(f"{root}/usr/share/man/man1/threadleak-run.1.gz"), "no manual")
    done(*dpkg, "--purge", "threadleak")
    left = [os.path.join(directory, name) for directory, _, names in os.walk(os.path.join(root, "usr")) for name in names]
    demand(not left, f"not removed: {left}")


TESTS = [versions_agree, rpm_spec, apkbuild, *([debian] if SOAK else [])]

if __name__ == "__main__":
    sys.exit(harness.main(TESTS, harness.Bench))
