#!/usr/bin/env python3
"""The shim and src/ on aarch64, built by clang and emulated by qemu.

  tests/e2e/aarch64.py [--build DIR] [NAME...]

What they are linked with is in BUILD/aarch64/root: packages of Debian for that machine, which are unpacked there, not
installed. Only SOAK=1 fetches them. qemu neither traces nor forks a process with threads, so the shim cannot start the
reporter and writes the raw report, and suites that stop a process are not run.
"""
import glob
import os
import re
import shutil
import subprocess
import sys

import harness
from harness import ROOT, Skip, demand, need

SUITES = """attach base find find_handles find_recorded find_stuck find_terminate find_wakes formats formats_ci
    formats_random function_name guard leak leak_asked leak_odd leak_process leak_runs leak_stacks ledger_hostile
    ledger_read ledger_write ledger_write_lives ledger_write_sections metrics moment on_stack options pprof ranges
    reach_kept report report_current report_json report_layout runtime_frames series shake site_counts stack_tree
    stacks_saved suppressions suppressions_builtin suppressions_types suppressions_wrong symbolize_files test_of
    thread_names""".split()


# ---- a root directory with the libraries of aarch64 -----------------------------------------

def packages():
    """Those that the build needs, and the suites."""
    with open(os.path.join(ROOT, ".ci", "deps.sh"), encoding="utf-8") as file:
        listed = re.search(r'^build_apt="(.*)"', file.read(), re.MULTILINE).group(1)
    version = harness.call(["gcc", "-dumpversion"])[1].strip().split(".")[0]
    return [name for name in listed.split() if name.endswith("-dev")] + ["check", "libsubunit-dev", f"libgcc-{version}-dev"]


def fetch(directory):
    """apt with lists and a cache of its own: nothing of the machine changes."""
    for name in "lists/partial", "archives/partial":
        os.makedirs(os.path.join(directory, name), exist_ok=True)
    config, status = os.path.join(directory, "apt.conf"), os.path.join(directory, "status")
    with open(status, "w", encoding="ascii"), open(config, "w", encoding="ascii") as file:
        file.write(f'APT::Architecture "arm64"; APT::Architectures {{ "arm64"; }}; APT::Sandbox::User "root";\n'
                   f'Dir::State "{directory}"; Dir::State::status "{status}"; Dir::State::lists "lists";\n'
                   f'Dir::Cache "{directory}"; Dir::Cache::archives "archives"; Debug::NoLocking "1";\n')
    env = {**harness.environment(), "APT_CONFIG": config}
    for command in ["update"], ["install", "-y", "--no-install-recommends", "--download-only", *packages()]:
        status, _, err = harness.call(["apt-get", "-qq", *command], env=env)
        if status != 0:
            raise Skip(f"apt-get cannot fetch packages for aarch64: {' '.join(err.split()) or status}")


def root(bench):
    """The directory, which a later run finds again."""
    place = os.path.join(bench.build, "aarch64", "root")
    if os.path.isdir(place):
        return place
    if not harness.SOAK:
        raise Skip("only SOAK=1 fetches the libraries of aarch64")
    need("apt-get", "dpkg-deb")
    fetched, part = os.path.join(bench.build, "aarch64", "apt"), place + ".part"
    fetch(fetched)
    shutil.rmtree(part, ignore_errors=True)
    for package in glob.glob(os.path.join(fetched, "archives", "*.deb")):
        subprocess.run(["dpkg-deb", "-x", package, part], check=True, timeout=harness.TIMEOUT_S)
    os.rename(part, place)
    shutil.rmtree(fetched)
    return place


class Bench(harness.Bench):
    def __init__(self, build):
        super().__init__(build)
        self.output = os.path.join(self.build, "aarch64")

    def make(self, *targets):
        """Builds them below BUILD/aarch64."""
        need("clang", "ld.lld", "qemu-aarch64")
        compiler = f"clang --target=aarch64-linux-gnu --sysroot={root(self)} -fuse-ld=lld -Qunused-arguments -Wno-unknown-attributes"
        paths = [os.path.join(self.output, target) for target in targets]
        done = subprocess.run(["make", "-s", "-j2", "-C", ROOT, f"BUILD={self.output}", f"CC={compiler}", "AR=ar", *paths],
                              env=harness.environment(), stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, check=False)
        demand(done.returncode == 0, done.stderr)
        return paths

    def emulated(self, *argv, watched=True):
        """The arguments that run it. The shim of this machine is not preloaded into qemu itself."""
        preload = ["-E", "LD_PRELOAD=" + os.path.join(self.output, "libthreadleak.so")] if watched else []
        return ["env", "-u", "LD_PRELOAD", "qemu-aarch64", "-L", root(self), *preload, *argv]


def built(bench, target):
    return bench.make("libthreadleak.so", "targets/" + target)[1]


# ---- the tests --------------------------------------------------------------------------------

def compiler_with_headers(bench):
    """gcc's own cannot be installed beside gcc-multilib, which other tests need; libc6-dev-arm64-cross has headers for clang."""
    if shutil.which("aarch64-linux-gnu-gcc"):
        return ["aarch64-linux-gnu-gcc"]
    clang = [need("clang"), "--target=aarch64-linux-gnu", "-Wno-unknown-attributes"]
    if harness.call([*clang, "-fsyntax-only", bench.write("empty.c", "#include <stdio.h>\n#include <linux/futex.h>\n")])[0] != 0:
        raise Skip("no headers of libc for aarch64: libc6-dev-arm64-cross has them")
    return clang


def every_source_of_the_shim_compiles(bench):
    """Without libunwind, whose header is that of this machine."""
    sources = glob.glob("preload/*/*.c", root_dir=ROOT) + glob.glob("src/common/*.c", root_dir=ROOT)
    status, _, err = harness.call([*compiler_with_headers(bench), "-std=gnu11", "-D_GNU_SOURCE", "-DTHREADLEAK_VERSION=\"\"", "-I.", "-Isrc", "-Iinclude", "-Wall", "-Wextra",
                                   "-Werror", "-O1", "-fPIC", "-fsyntax-only", *sources], cwd=ROOT)
    demand(status == 0, err)


def the_raw_report_has_creation_stacks(bench):
    program = built(bench, "kinds")
    need("eu-addr2line")
    status, _, err = harness.call(bench.emulated(program))
    demand(status == 5 and "without lines: the threadleak program could not be started" in err, err)
    kinds = re.findall(r"^(\w+) x1, the first is .*\n    (\S+)\n  created at\n((?:    .*\n)+)", err, re.MULTILINE)
    demand([kind for kind, _, _ in kinds] == ["running", "unjoined", "detached"], err)
    for kind, runs, stack in kinds:
        names = functions(program, [runs, *stack.split()])
        wanted = ["finish", "start", "start_and_see_finish", "main"] if kind == "unjoined" else ["stay", "start", "main"]
        demand(names[:len(wanted)] == wanted, f"{kind}: {names}")


def functions(program, places):
    """Names of the functions of MODULE+OFFSET in the program; others are left out."""
    offsets = [place.rpartition("+")[2] for place in places if place.startswith(program + "+")]
    before = [hex(int(offset, 16) - (number > 0)) for number, offset in enumerate(offsets)]  # in the call
    status, out, err = harness.call(["eu-addr2line", "-f", "-e", program, *before])
    demand(status == 0, err)
    return out.splitlines()[::2]


def this_machine_explains_what_it_left(bench):
    program = built(bench, "kinds")
    report_file = bench.path("report.json")
    status, _, err = harness.call([bench.cli, "run", f"--format=json:{report_file}", "--", *bench.emulated(program)], env=bench.env)
    demand(status == 5, err)
    process = harness.read_json(report_file)["processes"][-1]
    demand(process["exe"] == program and process["end"]["how"] == "exit" and process["end"]["judged"], process["end"])
    found = {leak["kind"]: leak for leak in process["leaks"]}
    demand(sorted(found) == ["detached", "running", "unjoined"], found)
    for kind, leak in found.items():
        names = [frame["function"] for frame in leak["creation_stack"] if frame["module"] == program]
        wanted = ["start", "start_and_see_finish", "main"] if kind == "unjoined" else ["start", "main"]
        demand(names[:len(wanted)] == wanted, f"{kind}: {names}")
        demand(leak["creation_stack"][0]["file"].endswith("target.h") and leak["creation_stack"][0]["build_id"], leak["creation_stack"][0])
        demand(leak["start_routine"]["function"] == ("finish" if kind == "unjoined" else "stay"), leak["start_routine"])


def suites_that_stop_nothing(bench):
    failed = []
    for path in bench.make(*("tests/unit/check_" + name for name in SUITES)):
        status, out, err = harness.call(bench.emulated(path, watched=False), env={**bench.env, "CK_TIMEOUT_MULTIPLIER": "20"})
        if status != 0:
            failed.append(f"{path}:\n{out}{err}")
    demand(not failed, "\n".join(failed))


TESTS = [every_source_of_the_shim_compiles, the_raw_report_has_creation_stacks, this_machine_explains_what_it_left,
         suites_that_stop_nothing]

if __name__ == "__main__":
    sys.exit(harness.main(TESTS, Bench, workers=1))
