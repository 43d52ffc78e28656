#!/usr/bin/env python3
"""packaging/: each package is built, installed, used and removed.

  tests/e2e/packages.py [--build DIR] [NAME...]      SOAK=1: those of Debian and RPM, too, which takes minutes
"""
import fnmatch
import glob
import os
import re
import subprocess
import sys

import harness
from harness import ROOT, SOAK, Skip, demand, need, need_root
from install import BUILT

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


def sources(bench):
    """A copy, with the times of the files."""
    tree = bench.path("threadleak")
    os.mkdir(tree)
    names = [name for name in done("git", "ls-files", cwd=ROOT).split() if os.path.exists(os.path.join(ROOT, name))]
    subprocess.run(["cp", "-a", "--parents", "-t", tree, *names], cwd=ROOT, check=True)
    return tree


def finds_leaks(bench, program, shim):
    target = bench.target("running")
    status, _, err = harness.call([program, "run", "--", target], env=bench.env)
    demand(status == 66 and "created by T1 (main) at" in err, f"{status} {err}")
    status, _, err = harness.call([target], env=bench.environment(LD_PRELOAD=shim))
    demand(status == 0 and "created by T1 (main) at" in err, f"{status} {err}")


def apkbuild_builds_and_packages(bench):
    """Its functions, as abuild(1) calls them: in the directory of the sources, with $pkgdir."""
    need("git", "scdoc")
    tree, root = sources(bench), bench.path("root")
    there = [os.path.join(bench.build, name) for name in BUILT if os.path.exists(os.path.join(bench.build, name))]
    os.mkdir(os.path.join(tree, "build"))
    done("cp", "-a", "--reflink=auto", *there, os.path.join(tree, "build"))
    done("sh", "-euc", ". packaging/alpine/APKBUILD; build; package", cwd=tree, env=bench.environment(pkgdir=root))
    finds_leaks(bench, f"{root}/usr/bin/threadleak", f"{root}/usr/lib/threadleak/libthreadleak.so")
    demand(os.path.exists(f"{root}/usr/share/man/man1/threadleak-run.1"), "no manual")


def rpm(bench):
    need("rpmbuild", "rpm", "scdoc")
    need_root()  # rpm --root is a chroot
    os.makedirs(bench.path("SOURCES"))
    done("make", "-s", "-C", ROOT, f"BUILD={bench.path('dist')}", "dist", env=bench.env)
    archive, = glob.glob(bench.path("dist/threadleak-*.tar.gz"))
    harness.copy(archive, bench.path("SOURCES"))
    defines = ("_topdir " + bench.tmp, "_libdir /usr/lib64", f"_smp_mflags -j{harness.PARALLEL}")
    done("rpmbuild", "-bb", "--nodeps", "--nocheck", *(word for text in defines for word in ("--define", text)),
         os.path.join(PACKAGING, "rpm", "threadleak.spec"), env=bench.env, cwd=bench.tmp)
    package, = glob.glob(bench.path("RPMS/*/threadleak-*.rpm"))
    demand("libunwind" in done("rpm", "-qp", "--requires", package), "libunwind is not required")
    root = bench.path("root")
    os.mkdir(root)
    done("rpm", "--root", root, "--nodeps", "-i", package)
    finds_leaks(bench, f"{root}/usr/bin/threadleak", f"{root}/usr/lib64/threadleak/libthreadleak.so")
    done("rpm", "--root", root, "-e", "threadleak")
    left = glob.glob(f"{root}/usr/**/*threadleak*", recursive=True)
    demand(not left, f"not removed: {left}")


def debian(bench):
    need("dpkg-buildpackage", "dh", "lintian", "git", "dpkg-checkbuilddeps")
    need_root()  # dpkg --root changes owners
    tree = sources(bench)
    done("cp", "-r", os.path.join(tree, "packaging", "debian"), tree)
    missing, _, why = harness.call(["dpkg-checkbuilddeps"], cwd=tree)
    if missing:
        raise Skip(why.strip())
    # With the tests that a packager runs, and not as root.
    done("chown", "-R", "65534:65534", bench.tmp)
    env = bench.environment(DEB_BUILD_OPTIONS=f"parallel={harness.PARALLEL}", HOME="/", PATH="/usr/bin:/bin")
    done(*harness.as_nobody(), "dpkg-buildpackage", "-us", "-uc", cwd=tree, env=env)
    changes, = glob.glob(bench.path("threadleak_*.changes"))
    done("lintian", "--allow-root", "--fail-on", "error,warning", changes, env=bench.environment(TMPDIR=bench.tmp))
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


TESTS = [versions_agree, rpm_spec, apkbuild, apkbuild_builds_and_packages, *([debian, rpm] if SOAK else [])]

if __name__ == "__main__":
    sys.exit(harness.main(TESTS, harness.Bench))
