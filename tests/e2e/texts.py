"""What a target or a command prints, without what differs from run to run (pids, times, addresses) and from machine
to machine (frames of libc and of language runtimes)."""
import os
import re
import subprocess

import harness
from harness import FORMATS, ROOT, Skip

SKIP = 77  # a target that cannot do its work here ends with this status and says why
TIMEOUT_S = 300


class Paths:
    def __init__(self, build, targets, tmp):
        self.build, self.targets, self.tmp = build, targets, tmp
        self.shim = os.path.join(build, "libthreadleak.so")
        self.cli = os.path.join(build, "threadleak")

    def hide(self, text):
        for path, shown in ((self.targets, "targets"), (self.tmp, "TMP"), (self.build, "build"), (ROOT, ".")):
            text = text.replace(path, shown)
        return text


def normalise_text(text, paths):
    text = paths.hide(text)
    text = re.sub(r"\bpid \d+", "pid PID", text)
    text = re.sub(r"\btid \d+", "tid TID", text)
    text = re.sub(r"\bprocess \d+", "process PID", text)
    text = re.sub(r"\breport (--all )?\d+", r"report \1PID", text)
    # The suite starts other programs meanwhile: between fork and exec these hold its pipes, too.
    text = re.sub(r"(process PID \(python3\))(, \1)+( and \d+ more)?", r"\1", text)
    # Who is not root does not see the descriptors of all processes.
    text = re.sub(r"\bprobably (?=only this process|nobody holds)", "", text)
    text = re.sub(r", for at least \d[\d.]* [^,()\n]*(?=, at$)", "", text, flags=re.M)
    for separator in (", ", " "):
        text = text.replace(separator.join(FORMATS), "FORMATS")
    text = re.sub(r"==\d+==", "==PID==", text)
    text = re.sub(r"ERROR: ld.so: .* ignored\.", "ERROR: ld.so: … ignored.", text)
    # An old word on a stack can be a handle; handles.py tests it.
    text = re.sub(r"^  (lost-handle   .*\n(  see threadleak-patterns.*\n)?|handles? (of T\d+ )?(is|are) stored in .*\n)", "", text, flags=re.MULTILINE)
    text = re.sub(r"^checked for stuck: .*", "checked for stuck: COST", text, flags=re.MULTILINE)
    text = re.sub(r"\b(alive|finished) (\d[\d.]* (ms|s|min)( to )?)+", r"\1 AGE", text)
    text = re.sub(r"tid TID,\n {2}(?=T\d)", "tid TID, ", text)  # where it wraps hangs on the tids' digits
    text = re.sub(r"bytes of \d+", "bytes of N", text)
    text = re.sub(r"0x[0-9a-f]+", "0xN", text)
    lines = []
    for line in text.split("\n"):
        # The module would not do to name it by: with debug information installed, its file is shown.
        frame = re.match(r"^( {4}| {2}> | {2}runs )[^\s(]", line)
        if frame and "tests/targets/" not in line and not re.search(r"(\btargets/\S+| stripped)\+0xN", line):
            line = frame.group(1) + "…"
            if lines and lines[-1] == line:
                continue
        lines.append(re.sub(r"(?<=\S) {2,}", "  ", line))
    return "\n".join(lines)


def clean_environment(**more):
    """The stacks at the end depend on timing, so they are checked only for targets that synchronise."""
    more["THREADLEAK_OPTIONS"] = "stacks=0:" + more.get("THREADLEAK_OPTIONS", "")
    env = harness.environment(UPDATE="", OMP_NUM_THREADS="3", **more)
    env["LSAN_OPTIONS"] = "detect_leaks=" + ("1" if more.get("OWN_LEAKS") else "0")
    return env


def run(argv, env, stdin=""):
    status, out, err = harness.call(argv, "replace", env=env, input=stdin.encode(), timeout=TIMEOUT_S, cwd=ROOT)
    return status if status >= 0 else f"signal {-status}", out, err


def find_library(name):
    path = subprocess.run([os.environ.get("CC", "cc"), f"-print-file-name={name}"], stdout=subprocess.PIPE,
                          check=True).stdout.decode().strip()
    if not os.path.isabs(path):
        raise Skip(f"no {name}")
    return os.path.realpath(path)
