"""What the tests of `threadleak run` over trees of processes share."""
import os
import re
import shutil
import subprocess
import sys

import harness
from harness import demand

# Without LD_PRELOAD nothing in the tree is watched: printed once for each.
BARE = "started without LD_PRELOAD"


class Bench(harness.Bench):
    """With the targets in its directory by short names."""

    def __init__(self, build):
        super().__init__(build)
        self.started = []
        os.chmod(self.tmp, 0o755)
        for name in ("clean", "no_thread", "running", "static_program", "end_underscore_exit", "end_signal",
                     "killed_at_start", "joined_at_once", "death_test", "small_stack"):
            os.symlink(self.target(name), self.path(name))

    def run(self, argv, options=(), env=None, around=()):
        """Status, and what threadleak printed on standard error: the lines that begin so."""
        status, _, self.err = harness.call([*around, self.cli, "run", *options, "--", *argv], env=env or self.env,
                                           cwd=self.tmp, stdout=subprocess.DEVNULL, errors="replace")
        return status, [line[12:] for line in self.err.split("\n") if line.startswith("threadleak: ")]

    def demand_said(self, argv, *wanted, options=(), status=0, env=None):
        """These lines and no other; each wanted is a regular expression."""
        code, printed = self.run(argv, options, env)
        fits = len(printed) == len(wanted) and all(re.fullmatch(a, b) for a, b in zip(wanted, printed))
        demand(code == status, f"{argv}: status {code}, not {status}: {self.err}")
        demand(fits, f"{argv}: printed {printed}, not {list(wanted)}")

    def json(self, argv, options=()):
        output = self.path("report.json")
        code, printed = self.run(argv, ["--format=json", "-o", output, *options])
        return code, printed, harness.read_json(output)

    def start(self, argv, piped=False, watched=False, **more):
        env = self.environment(**({"LD_PRELOAD": self.shim} if watched else {}))
        if piped:
            more = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.STDOUT, **more}
        process = subprocess.Popen(argv, cwd=self.tmp, env=env, **{"stdin": subprocess.DEVNULL, **more})
        self.started.append(process)
        return process

    def end(self):
        for process in self.started:
            if process.poll() is None:
                process.kill()
            process.wait()
        super().end()


def one(name, why):
    return re.escape(f"1 child program was not watched: {name} ({why})")


def demand_not_accused(bench, argv, options=()):
    """A busy machine may not have come to the end of all its processes, which is no accusation."""
    code, printed = bench.run(argv, options)
    alive = [line for line in printed if re.match(r"\d process(es)? still alive, not judged: ", line)]
    demand(code == 0 and printed == alive, f"{argv}: {code} {printed} {bench.err}")


def starter_scripts(bench, program):
    """Ways to start `program` and go on."""
    bench.write("Makefile", "all:\n\t@-$(PROGRAM)\n")
    python = "import subprocess, sys\nsubprocess.call([sys.argv[1]]{})\n"
    spawn = "import os, sys\nos.waitpid(os.posix_spawn(sys.argv[1], sys.argv[1:], os.environ), 0)\n"
    fork = "import os, sys\nif os.fork() == 0: os.execv(sys.argv[1], sys.argv[1:])\nos.wait()\n"
    ways = {
        "sh": ["sh", "-c", f"{program}; true"],
        "bash": ["bash", "-c", f"{program}; true"],
        "make": ["make", "-s", f"PROGRAM={program}"],
        "make through a shell": ["make", "-s", f"PROGRAM={program} && true; true"],
        "python, vfork": [sys.executable, "-c", python.format(""), program],
        "python, fork": [sys.executable, "-c", python.format(", start_new_session=True, preexec_fn=lambda: None"), program],
        "python, posix_spawn": [sys.executable, "-c", spawn, program],
        "python, exec in a fork": [sys.executable, "-c", fork, program],
        "xargs": ["sh", "-c", f"echo | xargs {program}; true"],
        "perl": ["perl", "-e", "system(@ARGV); exit 0", program],
        "two shells": ["sh", "-c", f"sh -c '{program}; true'; true"],
    }
    return {name: argv for name, argv in ways.items() if shutil.which(argv[0])}
