#!/usr/bin/env python3
"""Debian 11, whose glibc is 2.31: the archive of a release works in one without any package; the sources build in another,
and the cases of tests/cases.txt print there what they print here.

  tests/e2e/old_glibc.py [--build DIR] [NAME...]

debootstrap makes both in ~/.cache/threadleak, as root, and they are kept. The first time takes minutes.
"""
import functools
import os
import re
import subprocess
import sys
import threading

import harness
import release
from harness import ROOT, Skip, demand, need

CACHE = os.path.join(os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache"), "threadleak")
PACKAGES = ("gcc,g++,make,libc6-dev,libunwind-dev,libdw-dev,libelf-dev,libjansson-dev,libiberty-dev,libprotobuf-c-dev,"
            "protobuf-c-compiler,zlib1g-dev,libmicrohttpd-dev,libncurses-dev,python3,binutils,procps,util-linux")
MINUTES = 60
LONG = 20 * MINUTES
# What a chroot has of this system, in a namespace of its own, so that nothing has to be unmounted.
INSIDE = 'mount -t proc proc "$0/proc" && mount --rbind /dev "$0/dev" && exec chroot "$0" sh -ec "$1"'
# Cases that differ there, and why.
DIFFERENT = {
    "all_keys": "dlsym() takes a thread-specific key before glibc 2.34",
    "errno_kept": "sigaction() leaves a part of its result as it was",
    "dump_signal": "sigaction() leaves a part of its result as it was",
    "other_namespaces": "a chroot is no mount point",
    "end_exec_execveat": "libc has no execveat()",
    "detach_when": "a detach by an attribute and one by a call are not distinguished",
    "library_replaced_far": "another compiler",
    "demo": "the name of a thread that has ended is not known",
}
# libpthread's lists of stacks have no symbols that a program can find.
NOT_CHECKED = ("waits", "vfork_sandbox", "ignored_partly", "cli_report_stacks", "cli_report_refused", "cli_report_core",
               "cli_report_thousand")
LOCK = threading.Lock()


@functools.cache
def uri():
    """Where apt has Debian's packages from."""
    argv = ["apt-get", "indextargets", "--format", "$(REPO_URI)", "Origin: Debian", "Label: Debian"]
    status, out, _ = harness.call(argv)
    demand(status == 0, "apt-get indextargets")
    return out.split()[:1]


def debian(name, packages):
    """The root of a Debian 11, made if it is not there."""
    harness.need_root()
    need("debootstrap", "unshare", "apt-get")
    root = os.path.join(CACHE, name)
    with LOCK:
        if not os.path.exists(f"{root}/etc/made"):
            subprocess.run(["rm", "-rf", "--one-file-system", root], check=True)
            os.makedirs(CACHE, exist_ok=True)
            more = [f"--include={packages}"] if packages else []
            done = harness.call(["debootstrap", "--variant=minbase", *more, "bullseye", root, *uri()], timeout=LONG)
            if done[0] != 0:
                raise Skip(f"debootstrap cannot make a Debian 11 here: {done[1][-200:].strip()}")
            open(f"{root}/etc/made", "w", encoding="utf-8").close()
    return root


def inside(root, script):
    return harness.call(["unshare", "--mount", "--propagation", "private", "sh", "-ec", INSIDE, root, script], timeout=LONG,
                        env={"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL": "C.UTF-8", "HOME": "/root"}, errors="replace")


def release_without_packages(bench):
    root = debian("debian11-bare", "")
    subprocess.run(["rm", "-rf", f"{root}/opt/threadleak", f"{root}/opt/running"], check=True)
    os.mkdir(f"{root}/opt/threadleak")
    subprocess.run(["tar", "-xzf", bench.archive(), "-C", f"{root}/opt/threadleak", "--strip-components=1"], check=True)
    demand(not os.path.exists(f"{root}/usr/lib/x86_64-linux-gnu/libunwind.so.8"), "it has libunwind itself")
    status, out, err = inside(root, "/opt/threadleak/bin/threadleak selftest")
    demand(status == 0 and "all leaks were found" in out and "created by plant_running" in out, f"{status} {out}{err}")
    # Programs that are not linked with libpthread.
    status, out, err = inside(root, "/opt/threadleak/bin/threadleak run -- sh -c 'ls -d / && bash -c true'")
    demand((status, out, err) == (0, "/\n", ""), f"{status} {out}{err}")


def sources(bench):
    """Builds them there, and runs the cases."""
    root = debian("debian11-build", PACKAGES)
    subprocess.run(["rm", "-rf", f"{root}/src"], check=True)
    os.mkdir(f"{root}/src")
    release.make(bench, f"BUILD={bench.path('dist')}", "dist")
    archive = [name for name in os.listdir(bench.path("dist")) if name.endswith(".tar.gz")]
    subprocess.run(["tar", "-xzf", bench.path(f"dist/{archive[0]}"), "-C", f"{root}/src", "--strip-components=1"], check=True)
    status, out, err = inside(root, "cd /src && make -s all && make -k -s targets >/dev/null 2>&1 || true; test -x build/threadleak")
    demand(status == 0 and "warning:" not in err, f"{status} {out[-2000:]}{err[-2000:]}")
    # A kept build of a case has its own facts; the text of each is compared.
    _, out, err = inside(root, "cd /src && python3 tests/e2e/e2e.py --build build --only text || true")
    failed = set(re.findall(r"^FAIL e2e (\w+):", out, re.M))
    passed = re.findall(r"^(\d+) passed", out, re.M)
    demand(passed and int(passed[-1]) > 100, f"{out[-2000:]}{err[-2000:]}")
    demand(failed <= {*DIFFERENT, *NOT_CHECKED}, f"other texts: {failed - {*DIFFERENT, *NOT_CHECKED}}\n{out[-6000:]}")
    for name in sorted(failed):
        print(f"note: {name} differs with glibc 2.31: {DIFFERENT.get(name, 'not checked for stuck')}")


TESTS = [release_without_packages, sources]

if __name__ == "__main__":
    sys.exit(harness.main(TESTS, release.Bench))
