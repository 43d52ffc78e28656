#!/usr/bin/env python3
"""clang-format, clang-tidy and cppcheck find nothing.

  tests/lint.py [--build DIR] [NAME...]      ANALYZE=1: clang-tidy's static analyzer, too; it takes minutes
"""
import concurrent.futures
import glob
import os
import re
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "e2e"))
import harness
from harness import PARALLEL, ROOT, Skip, demand, need

# Debian bookworm's.  Others lay out some lines otherwise.
FORMAT_VERSION = 14
FLAGS = ["-std=gnu11", "-D_GNU_SOURCE", "-DTHREADLEAK_VERSION=\"0\"", "-I.", "-Isrc", "-Iinclude", "-Itests/unit", "-Wall",
         "-Wextra", "-Wshadow"]
# What its checks of C++ ask of a program is not asked of examples; the deprecated functions are snprintf and the like.
ANALYZER = "clang-analyzer-*,-clang-analyzer-security.insecureAPI.*"
PER_CALL = 12
FRAME_MAX = 20480  # bytes; the CLI has a stack of 8 MiB
SHIM_FRAME_MAX = 4608


def files(*patterns):
    return sorted(os.path.relpath(path, ROOT) for pattern in patterns for path in glob.glob(os.path.join(ROOT, pattern)))


def call(*argv, **more):
    done = subprocess.run(argv, cwd=ROOT, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                          check=False, **more)
    return done.returncode, done.stdout.decode(errors="replace")


def clang_format(_):
    need("clang-format")
    version = int(re.search(r"version (\d+)", call("clang-format", "--version")[1]).group(1))
    if version != FORMAT_VERSION:
        raise Skip(f"clang-format {version} is not {FORMAT_VERSION}")
    status, out = call("clang-format", "--dry-run", "-Werror", *files(
        "include/*.h", "include/*/*.h", "src/*/*.[ch]", "src/*/*/*.[ch]", "preload/*/*.[ch]", "cli/*.[ch]", "cli/*/*.[ch]",
        "tests/*/*.[ch]", "tests/*/*.cpp", "bench/*.c"))
    demand(status == 0, out)


def flags(bench):
    return [*FLAGS, "-I" + os.path.join(bench.build, "generated")]


def tidy(names, checks, bench):
    status, out = call("clang-tidy", "--quiet", *([f"--checks={checks}"] if checks else []), *names, "--", *flags(bench))
    return re.sub(r"^\d+ warnings? generated\.\n", "", out, flags=re.M) if status else ""


def clang_tidy(bench):
    need("clang-tidy")
    checks = ANALYZER if os.environ.get("ANALYZE") == "1" else ""
    names = files("src/*/*.c", "src/*/*/*.c", "preload/*/*.c", "cli/*.c", "cli/*/*.c", "tests/unit/*.c", "tests/targets/*.c", "tests/kernels/*.c",
                  "tests/harmless/*.c", "tests/fuzz/*.c", "bench/*.c")
    parts = [names[n:n + PER_CALL] for n in range(0, len(names), PER_CALL)]
    with concurrent.futures.ThreadPoolExecutor(PARALLEL) as pool:
        found = "".join(pool.map(lambda part: tidy(part, checks, bench), parts))
    demand(not found, found)


def cppcheck(bench):
    need("cppcheck")
    cache = os.path.join(bench.build, "cppcheck")
    os.makedirs(cache, exist_ok=True)
    status, out = call("cppcheck", "--quiet", "--error-exitcode=1", "--std=c11", "--enable=warning,portability",
                       "--suppress=missingInclude", "--inline-suppr", f"-j{PARALLEL}", f"--cppcheck-build-dir={cache}", "-I.",
                       "-Isrc", "src", "cli", "preload")
    demand(status == 0, out)


def frames(bench):
    """No function has a large frame: programs run with small stacks, and the shim runs on theirs."""
    cc = need("cc")

    def compiled(name):
        most = SHIM_FRAME_MAX if name.startswith("preload/") else FRAME_MAX
        return call(cc, *flags(bench), "-O2", f"-Werror=frame-larger-than={most}", "-c", "-o", "/dev/null", name)[1]

    with concurrent.futures.ThreadPoolExecutor(PARALLEL) as pool:
        found = "".join(pool.map(compiled, files("src/*/*.c", "src/*/*/*.c", "preload/*/*.c", "cli/*.c", "cli/*/*.c")))
    demand("frame-larger-than" not in found, found)


TESTS = [clang_format, clang_tidy, cppcheck, frames]

if __name__ == "__main__":
    sys.exit(harness.main(TESTS, harness.Bench, workers=1))
