#!/usr/bin/env python3
"""bench-check: it notices a shim that is 5 % slower, and compares nothing that is not comparable.

  tests/e2e/instructions.py [--build DIR] [NAME...]
"""
import json
import os
import sys

import harness
from harness import ROOT, demand, need


class Bench(harness.Bench):
    def check(self, *options, **environment):
        argv = [os.path.join(ROOT, "bench", "instructions.py"), "--build", self.build, "--stored", self.path("stored"), *options]
        return harness.call([sys.executable, *argv], env=self.environment(**environment))


def slower_shim_is_noticed(bench):
    need("valgrind")
    status, out, err = bench.check("--update", "pair")
    demand(status == 0 and "pair libthreadleak" in out, (status, out, err))
    status, out, err = bench.check("pair", "--shim", os.path.join(bench.build, "bench", "planted", "libthreadleak.so"))
    demand(status == 1 and "too many" in out, (status, out, err))
    demand("make bench-update" in out and out.endswith("1 failed, 0 skipped\n"), out)


def same_shim_passes(bench):
    need("valgrind")
    bench.check("--update", "start")
    status, out, err = bench.check("start")
    demand(status == 0 and "+0.0% ok" in out and "0 failed" in out, (status, out, err))


def other_compiler_is_not_compared(bench):
    need("valgrind")
    bench.write("stored", json.dumps({"another compiler": {"pair libthreadleak": 1}}))
    status, out, err = bench.check("pair")
    demand(status == 0 and "not comparable" in out and out.endswith("0 passed, 0 failed, 1 skipped\n"), (status, out, err))


def stored_figures_are_of_named_compilers(_):
    with open(os.path.join(ROOT, "bench", "instructions.json"), encoding="utf-8") as file:
        known = json.load(file)
    for key, figures in known.items():
        demand("glibc" in key and "libunwind" in key, key)
        demand({name.split()[0] for name in figures} == {"pair", "start", "first", "report"}, sorted(figures))


TESTS = [slower_shim_is_noticed, same_shim_passes, other_compiler_is_not_compared, stored_figures_are_of_named_compilers]

if __name__ == "__main__":
    sys.exit(harness.main(TESTS, Bench))
