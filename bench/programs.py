"""Runs what is measured."""
import contextlib
import os
import shutil
import subprocess
import time

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
TIMEOUT_S = 600


class Failed(Exception):
    pass


class Programs:
    """What a build made, and how to run it with and without the shim."""

    def __init__(self, build):
        self.build = os.path.abspath(build)
        self.shim = os.path.join(self.build, "libthreadleak.so")
        self.cli = os.path.join(self.build, "threadleak")
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("THREADLEAK", "LD_", "MAKE"))}
        self.env = {**kept, "LC_ALL": "C.UTF-8"}

    def bench(self, name):
        return os.path.join(self.build, "bench", name)

    def with_shim(self, options="grace_ms=0"):
        return {**self.env, "LD_PRELOAD": self.shim, **({"THREADLEAK_OPTIONS": options} if options else {})}

    def output(self, argv, env=None, cwd=None):
        done = subprocess.run(argv, env=env or self.env, cwd=cwd, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                              stderr=subprocess.PIPE, timeout=TIMEOUT_S, check=False)
        if done.returncode != 0:
            words = done.stderr.decode(errors="replace").strip().splitlines()
            raise Failed(f"{os.path.basename(argv[0])}: status {done.returncode}{': ' + words[-1] if words else ''}")
        return done.stdout.decode(errors="replace")

    def numbers(self, argv, env=None):
        return [float(word) for word in self.output(argv, env).split()]

    def seconds(self, argv, **more):
        """How long a command takes, and what it prints."""
        began = time.perf_counter()
        text = self.output(argv, **more)
        return time.perf_counter() - began, text

    @contextlib.contextmanager
    def running(self, argv, env=None):
        """A program that prints "ready", and then a line for each line that it reads."""
        process = subprocess.Popen(argv, env=env or self.env, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        try:
            if process.stdout.readline() != "ready\n":
                raise Failed(f"{os.path.basename(argv[0])}: it could not start")
            yield process
        finally:
            process.kill()
            process.wait()


def ask(process):
    process.stdin.write("\n")
    process.stdin.flush()
    return process.stdout.readline()


def missing_tool(name):
    return None if shutil.which(name) else f"{name} is not installed"
