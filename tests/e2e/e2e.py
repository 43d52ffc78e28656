#!/usr/bin/env python3
"""Runs the targets and compares everything that comes out, whole, with tests/golden/.

  tests/e2e/e2e.py [--build DIR] [--targets DIR] [--only-json] [NAME...]
  UPDATE=1 tests/e2e/e2e.py [NAME...]      writes the goldens anew: read each before you keep it

Each target runs under LD_PRELOAD alone (NAME.txt) and under `threadleak run`
(NAME.json).  What differs from run to run (pids, times, addresses) and from
machine to machine (frames of libc and of language runtimes) is normalised.
"""
import difflib
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile

import harness
from harness import ROOT, Skip, Wrong, state_of, threads_of, wait_until

GOLDEN = os.path.join(ROOT, "tests", "golden")
SKIP = 77
TIMEOUT_S = 100


class Case:
    """A target with its arguments; `env` for the shim, `options` for threadleak run."""

    def __init__(self, target, *args, name=None, env="", options=(), text=True, json_too=True, loose=False,
                 preload=None, racy_peak=False, present=False):
        self.target, self.args = target, list(args)
        self.name = name or "_".join([target, *args])
        self.env, self.options = env, list(options)
        self.text, self.json_too = text, json_too
        self.loose = loose  # what is left is a matter of chance: only statuses are compared
        self.racy_peak = racy_peak  # how many live at once is a matter of chance
        self.present = present  # where the threads are at the end, which the target settles
        self.preload = preload  # what must be preloaded before the shim


EXECS = "execve execv execvp execvpe execl execlp execle fexecve execveat".split()

CASES = [
    Case("waits", present=True),
    # The life of a thread.
    Case("clean", racy_peak=True), Case("no_thread"), Case("running"), Case("detached"), Case("unjoined"), Case("kinds"),
    Case("same_place"), Case("create_einval"), Case("create_eagain"), Case("small_stack"), Case("return_values"),
    Case("cancel"), Case("cancel_in_join"), Case("destructor_blocks"), Case("destructor_creates"),
    Case("destructor_again"), Case("join_fails"), Case("join_all_ways", racy_peak=True), Case("detach_when", racy_peak=True), Case("untracked"),
    Case("recycled_handle"), Case("setname"), Case("setname_ended"), Case("thrd"), Case("many_short", racy_peak=True),
    Case("errno_kept", racy_peak=True), Case("fork_clean"), Case("fork_child"), Case("fork_in_thread"), Case("fork_storm", racy_peak=True),
    Case("vfork"), Case("spawn"), Case("exec_fails"),
    # Ways to end, as they are judged, and when asked to judge them all.
    Case("end_exit"), Case("end_exit_in_thread"), Case("end_last_thread"), Case("end_last_thread_leaves"),
    Case("end_pthread_exit"), Case("end_underscore_exit"), Case("end_underscore_Exit"), Case("end_quick_exit"),
    *[Case("end_exec", by) for by in EXECS],
    *[Case("end_signal", name) for name in ("KILL", "TERM", "ABRT", "SEGV")],
    *[Case(target, *args, name=f"judged_{target}", env="judge=all", options=["--judge=all"])
      for target, *args in (["end_exit"], ["end_underscore_exit"], ["end_underscore_Exit"], ["end_quick_exit"],
                            ["end_exec"], ["end_signal", "TERM"])],
    Case("end_exit", name="unjudged_end_exit", env="judge=_exit", options=["--judge=_exit"]),
    # goleak's: a thread that is on its way out, and threads that are known.
    Case("grace"), Case("grace_ignores_stuck"),
    Case("baseline", env="suppressions=tests/data/baseline.supp", options=["--suppressions=tests/data/baseline.supp"]),
    Case("baseline", "all", env="suppressions=tests/data/baseline.supp",
         options=["--suppressions=tests/data/baseline.supp"]),
    Case("openmp_user"), Case("openmp", name="openmp_default_0", env="default_suppressions=0",
                              options=["--no-default-suppressions"]),
    Case("ignored_partly", present=True, env="suppressions=tests/data/partly.supp",
         options=["--suppressions=tests/data/partly.supp"]),
    # Known traps.
    Case("constructor_linked"), Case("dlopen_loop", racy_peak=True), Case("signal_storm"), Case("signal_creates", racy_peak=True),
    Case("kill_after_create"), Case("exit_while_creating", loose=True), Case("dump_signal"), Case("signal_taken"),
    Case("wait_in_thread"), Case("child_ignored"), Case("atexit_creates"), Case("atexit_joins"),
    Case("atexit_prints"), Case("chroot"), Case("seccomp_filter"), Case("drop_privileges"), Case("close_all"),
    Case("close_stderr"), Case("daemonize"), Case("stripped"), Case("unset_preload"),
    Case("run_child", "static_program"), Case("run_child", "program_32bit"), Case("address_sanitized", preload="libasan.so"),
    Case("stack_switch"), Case("exec_bad_pointers"), Case("spawn_pid"),
    *[Case(target, name=f"{target}_present", text=False, present=True)
      for target in ("drop_privileges", "chroot", "seccomp_filter")],
    # What a backtrace shows.
    Case("deep"), Case("deep", name="deep_5", env="depth=5", options=["--depth=5"]), Case("inlined"),
    Case("tail_call"), Case("tree"), Case("openmp"), Case("std_thread"), Case("std_pool"), Case("std_async"), Case("late_exceptions"),
    Case("rust_thread"), Case("demo"),
    # Keys and options.
    Case("kinds", name="kinds_unjoined", env="report=unjoined", options=["--report=unjoined"]),
    Case("kinds", name="kinds_two", env="report=running,detached", options=["--report=running,detached"]),
    Case("running", name="exitcode", env="exitcode=9", options=["--error-exitcode=9"]),
    Case("running", name="exitcode_0", env="exitcode=0", options=["--error-exitcode=0"]),
    Case("kinds", name="exitcode_kept", env="exitcode=9", options=["--error-exitcode=9"]),
    Case("dump_signal", name="dump_none", env="signal=none", options=["--signal=none"]),
    Case("grace", name="no_grace", env="grace_ms=0", options=["--grace=0"], loose=True),
    Case("not_begun", env="grace_ms=0:stacks=0", options=["--grace=0", "--no-stop"]),
    Case("fork_child", name="no_follow", env="follow=0", options=["--no-follow"]),
    Case("clean", name="bad_keys", env="nosuch=1:depth=x:report=running", json_too=False),
    Case("clean", name="help_key", env="help=1", json_too=False),
]


# ---- what may differ --------------------------------------------------------------

class Paths:
    def __init__(self, build, targets, tmp):
        self.build, self.targets, self.tmp = build, targets, tmp
        self.shim = os.path.join(build, "libthreadleak.so")
        self.cli = os.path.join(build, "threadleak")

    def hide(self, text):
        for path, shown in ((self.targets, "targets"), (self.tmp, "TMP"), (self.build, "build"), (ROOT, ".")):
            text = text.replace(path, shown)
        return text


def is_ours(file):
    return file is not None and "tests/targets/" in file


def collapse(frames):
    """Neighbouring frames of others are one: how many there are is their affair."""
    out = []
    for frame in frames:
        if not (frame.startswith("… ") and out and out[-1] == frame):
            out.append(frame)
    return out


def normalise_text(text, paths):
    text = paths.hide(text)
    text = re.sub(r"\bpid \d+", "pid PID", text)
    text = re.sub(r"\btid \d+", "tid TID", text)
    text = re.sub(r"\bprocess \d+", "process PID", text)
    text = re.sub(r"\breport (--all )?\d+", r"report \1PID", text)
    text = re.sub(r", for \d[\d.]* [^,()\n]*(?=( \(the others.*)?, at$)", "", text, flags=re.M)
    text = re.sub(r"==\d+==", "==PID==", text)
    text = re.sub(r"ERROR: ld.so: .* ignored\.", "ERROR: ld.so: … ignored.", text)
    text = re.sub(r"\b(alive|finished) (\d[\d.]* (ms|s|min)( to )?)+", r"\1 AGE", text)
    text = re.sub(r"tid TID,\n {2}(?=T\d)", "tid TID, ", text)  # where it wraps hangs on the tids' digits
    text = re.sub(r"bytes of \d+", "bytes of N", text)
    text = re.sub(r"0x[0-9a-f]+", "0xN", text)
    lines = []
    for line in text.split("\n"):
        # The module would not do to name it by: with debug information installed, its file is shown.
        frame = re.match(r"^( {4}| {2}> | {2}runs )[^\s(]", line)
        if frame and not is_ours(line) and not re.search(r"(\btargets/\S+| stripped)\+0xN", line):
            line = frame.group(1) + "…"
            if lines and lines[-1] == line:
                continue
        lines.append(re.sub(r"(?<=\S) {2,}", "  ", line))
    return "\n".join(lines)


FRAME_KEYS = {"pc", "module", "build_id", "offset", "function", "file", "line", "inlined"}
SHAPE = {
    "report": {"schema", "version", "command", "summary", "processes"},
    "summary": {"processes", "leaked_threads", "leak_sites", "suppressed_threads"},
    "process": {"pid", "parent_pid", "exe", "command", "test", "end", "threads", "leaks", "untracked", "lost_events"},
    "end": {"how", "status", "signal", "judged"},
    "threads": {"created", "joined", "detached", "alive", "unjoined", "peak", "untracked"},
    "leak": {"kind", "count", "counted", "suppressed_by", "fingerprint", "test", "start_routine", "creation_stack",
             "own", "joined_at", "threads"},
    "thread": {"id", "tid", "name", "kind", "created_by", "age_s", "ended_s", "cpu_s", "state", "stack", "stack_source",
               "stack_note", "waiting", "findings"},
    "waiting": {"on", "address", "symbol", "owner", "owner_tid", "timeout", "left_s", "text"},
}


def demand_keys(kind, value):
    missing = SHAPE[kind] - set(value)
    if missing:
        raise AssertionError(f"{kind} without {', '.join(sorted(missing))}")


def short_frame(frame):
    if frame is None:
        return None
    if FRAME_KEYS - set(frame):
        raise AssertionError(f"frame without {FRAME_KEYS - set(frame)}")
    for key in ("pc", "offset"):
        if frame[key] is not None and not re.fullmatch(r"0x[0-9a-f]+", frame[key]):
            raise AssertionError(f"frame with {key} {frame[key]!r}")
    module = os.path.basename(frame["module"] or "?")
    if is_ours(frame["file"]):
        file = frame["file"][frame["file"].index("tests/targets/") + len("tests/targets/"):]
        return f"{frame['function']}  {file}:{frame['line']}" + ("  inlined" if frame["inlined"] else "")
    if frame["function"] is None and module in {case.target for case in CASES}:
        return f"{module}+offset"
    return f"… {module}"


def unknown_or(value, shown):
    return None if value is None else shown


def normalise_json(report, paths):
    demand_keys("report", report)
    demand_keys("summary", report["summary"])
    pids = {process["pid"]: f"PID{n}" for n, process in enumerate(report["processes"], 1)}
    report["version"] = "VERSION"
    if report["command"] is not None:
        report["command"] = [paths.hide(word) for word in report["command"]]
    for process in report["processes"]:
        demand_keys("process", process)
        demand_keys("end", process["end"])
        demand_keys("threads", process["threads"])
        process["parent_pid"] = pids.get(process["parent_pid"], "PID")
        process["pid"] = pids[process["pid"]]
        process["exe"] = unknown_or(process["exe"], paths.hide(process["exe"] or ""))
        process["command"] = [paths.hide(word) for word in process["command"] or []]
        if process["main"]:
            process["main"] = process["main"]["name"]
        process["untracked"] = sorted(thread["name"] for thread in process["untracked"])
        for leak in process["leaks"]:
            demand_keys("leak", leak)
            if not re.fullmatch(r"[0-9a-f]+", leak["fingerprint"]):
                raise AssertionError(f"fingerprint {leak['fingerprint']!r}")
            leak["fingerprint"] = "FINGERPRINT"
            if leak["test"] is None:  # of these targets hardly one is a test
                del leak["test"]
            leak["start_routine"] = short_frame(leak["start_routine"])
            leak["own"] = short_frame(leak["own"])
            leak["joined_at"] = short_frame(leak["joined_at"])
            leak["creation_stack"] = collapse(map(short_frame, leak["creation_stack"]))
            for thread in leak["threads"]:
                demand_keys("thread", thread)
                thread["stack"] = collapse(map(short_frame, thread["stack"]))
                thread["tid"] = unknown_or(thread["tid"], "TID")
                for key in ("age_s", "ended_s", "cpu_s"):
                    if thread[key] is not None and not 0 <= thread[key] < TIMEOUT_S:
                        raise AssertionError(f"{key} {thread[key]}")
                    thread[key] = unknown_or(thread[key], "SECONDS")
                thread["state"] = unknown_or(thread["state"], "STATE")
                thread.pop("idle_s")  # only some kernels tell
                if thread["waiting"]:
                    demand_keys("waiting", thread["waiting"])
                    thread["waiting"]["owner_tid"] = unknown_or(thread["waiting"]["owner_tid"], "TID")
                    thread["waiting"]["address"] = unknown_or(thread["waiting"]["address"], "ADDRESS")
    for rule in report.get("suppressions", []):
        rule["origin"] = paths.hide(rule["origin"])
    for program in report.get("unwatched", []):
        program["pid"], program["exe"] = "PID", paths.hide(program["exe"])
    if len(report["processes"]) > 10:
        report["processes"] = count_equal(report["processes"])
    return report


def count_equal(processes):
    """Of many processes that did the same, one, and how many they are."""
    counts = {}
    for process in processes:
        process["pid"] = "PID"
        process["parent_pid"] = "PID"
        text = json.dumps(process)
        counts[text] = counts.get(text, 0) + 1
    return [{"times": count, **json.loads(text)} for text, count in counts.items()]


# ---- running ------------------------------------------------------------------------

def clean_environment(**more):
    """Where threads are at the end hangs on how far they got: asked for where a target settles that."""
    more["THREADLEAK_OPTIONS"] = "stacks=0:" + more.get("THREADLEAK_OPTIONS", "")
    env = harness.environment(UPDATE="", OMP_NUM_THREADS="3", **more)
    env["LSAN_OPTIONS"] = "detect_leaks=" + ("1" if more.get("OWN_LEAKS") else "0")
    return env


def run(argv, env, stdin=""):
    status, out, err = harness.call(argv, "replace", env=env, input=stdin.encode(), timeout=TIMEOUT_S, cwd=ROOT)
    return status if status >= 0 else f"signal {-status}", out, err


def find_asan(name):
    path = subprocess.run([os.environ.get("CC", "cc"), f"-print-file-name={name}"], stdout=subprocess.PIPE,
                          check=True).stdout.decode().strip()
    if not os.path.isabs(path):
        raise Skip(f"no {name}")
    return os.path.realpath(path)


def run_text(case, paths, target):
    preload = paths.shim if not case.preload else f"{find_asan(case.preload)}:{paths.shim}"
    status, out, err = run([target, *case.args], clean_environment(
        LD_PRELOAD=preload, THREADLEAK_OPTIONS=f"stacks={int(case.present)}:{case.env}"))
    if status == SKIP:
        raise Skip(err.strip())
    if case.loose:
        return f"status {status}\n"
    err = normalise_text(err, paths)
    if case.racy_peak:
        err = re.sub(r"peak \d+", "peak N", err)
    return f"status {status}\n--- stdout\n{out}--- stderr\n{err}"


def run_json(case, paths, target):
    output = os.path.join(paths.tmp, case.name + ".json")
    status, out, err = run([paths.cli, "run", "--format=json", "-o", output, *case.options, "--", target, *case.args],
                           clean_environment(THREADLEAK_OPTIONS=f"stacks={int(case.present)}"))
    if status == SKIP:
        raise Skip(err.strip())
    report = None
    if os.path.exists(output):
        report = harness.read_json(output)
        for process in report["processes"] if case.racy_peak else []:
            process["threads"]["peak"] = "N"
        report = normalise_json(report, paths)
    if err.startswith("{"):  # asked for by the dump signal
        err = json.dumps(normalise_json(json.loads(err), paths))
    if case.loose:
        return f'"status {status}"\n'
    whole = {"status": status, "stdout": out, "stderr": normalise_text(err, paths), "report": report}
    return json.dumps(whole, indent=1, ensure_ascii=False) + "\n"


# ---- the command line -----------------------------------------------------------------
# Each returns what is compared with its golden.

def threadleak(paths, *args, env=None, stdin="", name="threadleak"):
    """One call, shown as it is typed, with what came of it."""
    status, out, err = run([paths.cli, *args], clean_environment(**(env or {})), stdin)
    shown = paths.hide(" ".join([name, *args]))
    return f"$ {shown}\nstatus {status}\n--- stdout\n{normalise_text(out, paths)}--- stderr\n{normalise_text(err, paths)}\n"


def cli_statuses(paths):
    """Exit statuses of `run`."""
    target = lambda name: os.path.join(paths.targets, name)
    plain = os.path.join(paths.tmp, "not_executable")
    with open(plain, "w", encoding="ascii") as file:
        file.write("text\n")
    return "".join([
        threadleak(paths, "run", "--", target("clean")),
        threadleak(paths, "run", "--", target("running")),
        threadleak(paths, "run", target("kinds")),
        threadleak(paths, "run", "-q", "--", target("no_thread")),
        threadleak(paths, "run", "--", target("end_signal"), "TERM"),
        threadleak(paths, "run", "--", "/nonexistent/program"),
        threadleak(paths, "run", "--", "nonexistent-program"),
        threadleak(paths, "run", "--", plain),
        threadleak(paths, "run", "--", paths.tmp),
        threadleak(paths, "run", "--", "sh", "-c", "exit 3"),
        threadleak(paths, "run", "--", "cat", stdin="what stands on standard input\n"),
    ])


def cli_refused(paths):
    """What cannot be watched."""
    target = lambda name: os.path.join(paths.targets, name)
    script = os.path.join(paths.tmp, "script")
    with open(script, "w", encoding="ascii") as file:
        file.write(f"#!{target('static_program')}\n")
    os.chmod(script, 0o755)
    out = threadleak(paths, "run", "--", target("static_program")) + threadleak(paths, "run", "--", script)
    return out


def cli_setuid(paths):
    harness.need_root()
    program = os.path.join(paths.tmp, "setuid")
    shutil.copy(os.path.join(paths.targets, "running"), program)
    os.chown(program, 65534, 65534)
    os.chmod(program, 0o4755)
    return threadleak(paths, "run", "--", program)


def cli_32bit(paths):
    program = os.path.join(paths.targets, "program_32bit")
    if not os.path.exists(program):
        raise Skip("no compiler for 32 bits")
    return threadleak(paths, "run", "--", program)


def cli_bad_input(paths):
    """Bad options: said before the command starts, with 125."""
    started = os.path.join(paths.tmp, "started")
    touch = ["--", "touch", started]
    out = "".join(threadleak(paths, "run", *options, *touch) for options in (
        ["-o", os.path.join(paths.tmp, "missing", "report")],
        ["--output", paths.tmp],
        ["--nosuch"],
        ["--format=nosuch"],
        ["--report=running,nosuch"],
        ["--judge=nosuch"],
        ["--grace=long"],
        ["--depth=0"],
        ["--signal=nosuch"],
        ["--error-exitcode=256"],
        ["--suppressions=" + os.path.join(paths.tmp, "missing.supp")],
        ["--suppressions=tests/data/bad.supp"],
    ))
    out += threadleak(paths, "run") + threadleak(paths, "nosuch") + threadleak(paths)
    out += threadleak(paths, "help", "suppressions")
    return out + f"started: {os.path.exists(started)}\n"


def cli_bad_ledger(paths):
    """`report` of what is no ledger, or a damaged one."""
    ledger = make_ledger(paths, "kinds")
    with open(ledger, "rb") as file:
        whole = file.read(1 << 16)
    size = os.path.getsize(ledger)

    def damaged(name, content, length=None):
        path = os.path.join(paths.tmp, name)
        with open(path, "wb") as file:
            file.write(content)
            if length is not None:
                file.truncate(length)
        return threadleak(paths, "report", path)

    swapped = whole[:8] + whole[8:12][::-1] + whole[12:]
    newer = whole[:12] + b"\xff\x00\x00\x00" + whole[16:]
    out = "".join([
        damaged("empty", b""),
        damaged("text", b"no ledger at all\n"),
        damaged("truncated_in_header", whole[:100]),
        damaged("truncated_after_header", whole[:4096]),
        damaged("foreign_endian", swapped, size),
        damaged("newer_version", newer, size),
        damaged("zeroes", b"\0" * 8192),
        damaged("hostile", whole[:20] + b"\xff" * 300, size),
        threadleak(paths, "report", os.path.join(paths.tmp, "missing")),
        threadleak(paths, "report", paths.tmp),
        threadleak(paths, "report"),
        threadleak(paths, "report", "--nosuch", ledger),
    ])
    return out


def cli_no_process(paths):
    """`report` of a process that is gone, not watched, or not ours."""
    child = subprocess.Popen(["true"])
    child.wait()
    gone = threadleak(paths, "report", str(child.pid)).replace(str(child.pid), "PID")
    unwatched = subprocess.Popen(["cat"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=clean_environment())
    try:
        os.write(unwatched.stdin.fileno(), b"\n")
        assert unwatched.stdout.readline() == b"\n"  # it has begun: from here on it sleeps in read(2) alone
        wait_until(lambda: harness.state_of(unwatched.pid) == "S")
        not_watched = threadleak(paths, "report", str(unwatched.pid)).replace(str(unwatched.pid), "PID")
    finally:
        unwatched.communicate()
    return gone + not_watched + threadleak(paths, "report", "0") + threadleak(paths, "report", "99999999999")


def make_ledger(paths, target, name=None):
    """The ledger that a target leaves in a run's directory."""
    directory = os.path.join(paths.tmp, f"of_{target}")
    os.mkdir(directory)
    run([os.path.join(paths.targets, target)],
        clean_environment(LD_PRELOAD=paths.shim, THREADLEAK_RUN_DIR=directory))
    ledgers = sorted(name for name in os.listdir(directory) if name.startswith("ledger."))
    if len(ledgers) != 1:
        raise AssertionError(f"ledgers left: {ledgers}")
    path = os.path.join(directory, name or "ledger.1.0")
    os.rename(os.path.join(directory, ledgers[0]), path)
    return path


def cli_report_file(paths):
    """What a dead process left."""
    ledger = make_ledger(paths, "kinds")
    killed = make_ledger(paths, "end_signal")
    return (threadleak(paths, "report", ledger) + threadleak(paths, "report", "--check", ledger) +
            threadleak(paths, "report", "--check", make_ledger(paths, "atexit_joins")) + threadleak(paths, "report", killed))


def cli_report_live(paths):
    """A live process, watched by the shim alone: it goes on as if nothing had been."""
    process = subprocess.Popen([os.path.join(paths.targets, "wait_for_end")], stdin=subprocess.PIPE,
                               stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                               env=clean_environment(LD_PRELOAD=paths.shim))
    try:
        assert process.stdout.readline() == b"up\n"
        out = (threadleak(paths, "report", "--no-stop", str(process.pid)) +
               threadleak(paths, "report", "--no-stop", "--check", str(process.pid)))
        out = out.replace(f"--no-stop {process.pid}", "--no-stop PID").replace(f"--check {process.pid}", "--check PID")
        status, text, err = run([paths.cli, "report", "--no-stop", "--format=json", str(process.pid)], clean_environment())
        out += f"json: status {status} {err}\n"
        out += json.dumps(normalise_json(json.loads(text), paths), indent=1, ensure_ascii=False) + "\n"
    finally:
        _, err = process.communicate(b"")
    return out + f"the process itself: status {process.returncode}\n{normalise_text(err.decode(), paths)}"


def waiting(paths, target, *args, watched=True):
    env = clean_environment(**({"LD_PRELOAD": paths.shim} if watched else {}))
    return harness.live([os.path.join(paths.targets, target), *args], env)


def cli_report_stacks(paths):
    """Where every thread of a live process is, watched or not."""
    with waiting(paths, "waits", "stay") as pid:
        out = threadleak(paths, "report", str(pid)) + threadleak(paths, "report", "--threads=leaks", str(pid))
        out = out.replace(str(pid), "PID")
    with waiting(paths, "waits", "stay", watched=False) as pid:
        return out + threadleak(paths, "report", "--all", str(pid)).replace(str(pid), "PID")


def cli_report_refused(paths):
    """Without the right to trace: the threads themselves tell, or nobody."""
    deny = os.path.join(paths.targets, "deny_ptrace")
    out = ""
    for watched in (True, False):
        with waiting(paths, "thousand" if not watched else "waits", "stay", watched=watched) as pid:
            status, text, err = run([deny, paths.cli, "report", str(pid)], clean_environment())
            if status == SKIP:
                raise Skip(err.strip())
            out += f"status {status}\n{normalise_text(text, paths)}{err}".replace(str(pid), "PID")
            status, text, err = run([deny, paths.cli, "report", "--format=json", str(pid)], clean_environment())
            process = json.loads(text)["processes"][0]
            sources = [thread["stack_source"] for thread in threads_of(process) + process["untracked"]]
            out += f"status {status}, sources: {sorted((name, sources.count(name)) for name in set(sources))}\n\n"
    return out


def cli_report_core(paths):
    """The same of a core file, when the process is gone."""
    harness.need("gcore")
    with waiting(paths, "waits", "stay") as pid:
        subprocess.run(["gcore", "-o", os.path.join(paths.tmp, "core"), str(pid)], stdout=subprocess.DEVNULL,
                       stderr=subprocess.DEVNULL, check=True)
    return threadleak(paths, "report", os.path.join(paths.tmp, f"core.{pid}")).replace(str(pid), "PID")


def cli_report_thousand(paths):
    """A thousand threads on one screen."""
    with waiting(paths, "thousand") as pid:
        return threadleak(paths, "report", str(pid)).replace(str(pid), "PID")


def cli_dump_signals(paths):
    """Asked from outside, twice, by the signal of its choice, into a file of its own."""
    log = os.path.join(paths.tmp, "log.%h.%p")
    process = subprocess.Popen([os.path.join(paths.targets, "wait_for_end")], stdin=subprocess.PIPE,
                               stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                               env=clean_environment(LD_PRELOAD=paths.shim,
                                                     THREADLEAK_OPTIONS=f"signal=USR2:log_path='{log}':report=unjoined"))
    path = os.path.join(paths.tmp, f"log.wait_for_end.{process.pid}")
    try:
        assert process.stdout.readline() == b"up\n"
        for times in (1, 2):
            ask_for_report(process, lambda: os.path.exists(path) and
                           open(path, encoding="utf-8").read().count(", peak ") >= times)
    finally:
        _, err = process.communicate(b"")
    with open(path, encoding="utf-8") as file:
        text = normalise_text(file.read(), paths)
    return f"{text}--- the process: status {process.returncode}\n{err.decode()}"


def ask_for_report(process, is_there):
    """A signal that comes while a report is being made is one with the signal that asked for that."""
    for _ in range(10):
        process.send_signal(signal.SIGUSR2)
        try:
            return wait_until(is_there, 2)
        except Wrong:
            pass
    raise Wrong("no report")


def cli_words(paths):
    """--version, --help, help: on standard output, with 0."""
    out = []
    for args in (["--version"], ["--help"], ["help"], ["help", "run"], ["help", "report"], ["run", "--help"],
                 ["report", "--help"], ["help", "nosuch"], ["run", "--version"], ["report", "--version"],
                 ["selftest", "-V"]):
        status, text, err = run([paths.cli, *args], clean_environment())
        if args[-1] in ("--version", "-V"):
            text = text == run([paths.cli, "--version"], clean_environment())[1]
        out.append(f"{' '.join(args)}: status {status}, {'something' if text else 'nothing'} on stdout, "
                   f"{'something' if err else 'nothing'} on stderr")
    return "\n".join(out) + "\n"


def cli_fingerprints(paths):
    """The same for the same code from run to run, another for another site."""
    target = os.path.join(paths.targets, "kinds")
    prints = []
    for _ in range(2):
        _, _, err = run([paths.cli, "run", "--format=json", "--", target], clean_environment())
        report = json.loads(err)
        prints.append([leak["fingerprint"] for leak in report["processes"][0]["leaks"]])
    return f"same: {prints[0] == prints[1]}, of {len(prints[0])} different: {len(set(prints[0]))}\n"


def cli_colour(paths):
    """Colour where it is asked for, and not where it is not."""
    target = os.path.join(paths.targets, "running")
    out = []
    for env in ({}, {"CLICOLOR_FORCE": "1"}, {"CLICOLOR_FORCE": "1", "NO_COLOR": "1"}):
        _, _, err = run([paths.cli, "run", "--", target], clean_environment(**env))
        out.append(f"{env}: {'colour' if chr(27) in err else 'plain'}")
    _, _, err = run([target], clean_environment(LD_PRELOAD=paths.shim, THREADLEAK_OPTIONS="color=always"))
    out.append(f"color=always: {'colour' if chr(27) in err else 'plain'}")
    return "\n".join(out) + "\n"


def cli_asan_not_first(paths):
    """ASan wants to be first: `run` sees to that."""
    return threadleak(paths, "run", "--", os.path.join(paths.targets, "address_sanitized"))


def cli_installed(paths):
    """Installed in lib and bin, shim and CLI find each other."""
    there = Paths(os.path.join(paths.tmp, "prefix"), paths.targets, paths.tmp)
    there.cli, there.shim = harness.install(paths.build, there.build)
    target = os.path.join(paths.targets, "end_exit")
    status, _, err = run([target], clean_environment(LD_PRELOAD=there.shim))
    return threadleak(there, "run", "--", target) + f"preloaded: status {status}\n{normalise_text(err, paths)}"


def cli_verbosity(paths):
    target = os.path.join(paths.targets, "kinds")
    return threadleak(paths, "run", "-q", "--", target) + threadleak(paths, "run", "-v", "--", target)


def cli_valgrind(paths):
    """Under valgrind nobody can look where the threads are, and the report says why."""
    if not shutil.which("valgrind"):
        raise Skip("no valgrind")
    _, _, err = run([paths.cli, "run", "--", "valgrind", "-q", os.path.join(paths.targets, "kinds")],
                    clean_environment(THREADLEAK_OPTIONS="stacks=1"))
    return "".join(line + "\n" for line in err.splitlines() if line.startswith(("present", "leaked")))


CLI_CASES = [cli_statuses, cli_refused, cli_setuid, cli_32bit, cli_bad_input, cli_bad_ledger, cli_no_process,
             cli_report_file, cli_report_live, cli_report_stacks, cli_report_refused, cli_report_core, cli_report_thousand, cli_dump_signals, cli_words, cli_fingerprints, cli_colour,
             cli_asan_not_first, cli_installed, cli_verbosity, cli_valgrind]


# ---- comparing -------------------------------------------------------------------------

def compare(name, got, update):
    path = os.path.join(GOLDEN, name)
    if update:
        with open(path, "w", encoding="utf-8") as file:
            file.write(got)
        return
    try:
        with open(path, encoding="utf-8") as file:
            wanted = file.read()
    except FileNotFoundError:
        raise Wrong(f"no tests/golden/{name}: UPDATE=1 tests/e2e/e2e.py {stem(name)} writes it") from None
    if got != wanted:
        lines = difflib.unified_diff(wanted.splitlines(True), got.splitlines(True), f"golden/{name}", "now")
        raise Wrong("not its golden\n" + "".join(lines))


def stem(name):
    return name.rsplit(".", 1)[0]


def jobs_of(arguments, paths):
    for case in CASES:
        target = os.path.join(paths.targets, case.target)
        needed = [case.target, *(case.args if case.target == "run_child" else [])]
        lacking = [name for name in needed if not os.path.exists(os.path.join(paths.targets, name))]
        if lacking:
            def absent(lacking=lacking):
                raise Skip(f"{', '.join(lacking)} could not be built here")
            yield f"{case.name}.txt", absent
            continue
        if case.text and not arguments.only_json:
            yield f"{case.name}.txt", lambda case=case, target=target: run_text(case, paths, target)
        if case.json_too:
            yield f"{case.name}.json", lambda case=case, target=target: run_json(case, paths, target)
    for function in CLI_CASES:
        yield f"{function.__name__}.txt", lambda function=function: function(
            Paths(paths.build, paths.targets, tempfile.mkdtemp(dir=paths.tmp)))


def main():
    parser = harness.parser()
    parser.add_argument("--targets")
    parser.add_argument("--only-json", action="store_true")
    arguments = parser.parse_args()
    harness.restore_signals()
    update = os.environ.get("UPDATE") == "1"

    with tempfile.TemporaryDirectory(prefix="threadleak-e2e-") as tmp:
        targets = os.path.join(ROOT, arguments.targets or os.path.join(arguments.build, "targets"))
        paths = Paths(arguments.build, targets, tmp)
        jobs = [(name, lambda name=name, produce=produce: compare(name, produce(), update))
                for name, produce in jobs_of(arguments, paths)]
        return harness.run_all(harness.chosen(jobs, arguments.names, lambda job: stem(job[0])), harness.PARALLEL)


if __name__ == "__main__":
    sys.exit(main())
