#!/usr/bin/env python3
"""libFuzzer on each kind of file that a watched program can write: in `make soak` and `make fuzz`.

  tests/e2e/fuzzers.py [--build DIR] [NAME...]

Each fuzzer runs for FUZZ_SECONDS (60). What it finds, which covers more than the seeds, it keeps in BUILD/fuzz/NAME.corpus, and
an input that fails beside it.
"""
import functools
import glob
import os
import re
import subprocess
import sys

import harness
from harness import ROOT, Skip, demand, need

SECONDS = int(os.environ.get("FUZZ_SECONDS") or 60)
NAMES = sorted(os.path.basename(path)[:-2] for path in glob.glob(os.path.join(ROOT, "tests", "fuzz", "fuzz_*.c")))


def built(bench, name):
    need("clang")
    source = bench.write("empty.c", "int LLVMFuzzerTestOneInput(void) { return 0; }\n")
    if harness.call(["clang", "-fsanitize=fuzzer,address,undefined", "-o", bench.path("empty"), source])[0] != 0:
        raise Skip("clang has no libFuzzer here")
    fuzzer = os.path.join(bench.build, "fuzz", name)
    done = subprocess.run(["make", "-s", "-C", ROOT, f"BUILD={bench.build}", fuzzer], env=harness.environment(), stdout=subprocess.DEVNULL,
                          stderr=subprocess.PIPE, text=True, check=False)
    demand(done.returncode == 0, done.stderr)
    return fuzzer


@functools.cache
def seeds(fuzzers):
    status, out, err = harness.call([os.path.join(ROOT, "tests", "fuzz", "seeds.py"), fuzzers])
    demand(status == 0, f"seeds.py {fuzzers}: {out}{err}")


def fuzz(name):
    def test(bench):
        fuzzer = built(bench, name)
        seeds(os.path.dirname(fuzzer))
        argv = [fuzzer, f"-max_total_time={SECONDS}", "-print_final_stats=1", f"-artifact_prefix={fuzzer}.", f"{fuzzer}.corpus"]
        # What it prints stays in a file: hours of it are long.
        with open(f"{fuzzer}.log", "w+b") as log:
            status = subprocess.run(argv, stdin=subprocess.DEVNULL, stdout=log, stderr=log, cwd=bench.tmp, check=False,
                                    timeout=SECONDS + harness.TIMEOUT_S).returncode
        with open(f"{fuzzer}.log", encoding="utf-8", errors="replace") as file:
            text = file.read()
        found = re.findall(r"Test unit written to (\S+)", text)
        demand(status == 0, f"status {status}; {fuzzer} {' '.join(found)} shows it again\n" + "\n".join(text.splitlines()[-60:]))
        runs = re.search(r"number_of_executed_units: (\d+)", text)
        demand(runs and int(runs.group(1)) > 0, text[-2000:])
        print(f"{name}: {runs.group(1)} inputs in {SECONDS} s", flush=True)
    test.__name__ = name
    return test


TESTS = [*map(fuzz, NAMES)]

if __name__ == "__main__":
    sys.exit(harness.main(TESTS, harness.Bench, workers=1))
