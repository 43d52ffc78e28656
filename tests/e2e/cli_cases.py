"""Cases of the command line: each returns what is compared with tests/golden/NAME.txt, calls as they are typed and
what came of them."""
import json
import os
import re
import shutil
import signal
import subprocess

import facts
import harness
from harness import Skip, threads_of, wait_until
from texts import SKIP, Paths, clean_environment, normalise_text, run


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
        threadleak(paths, "run", "--", "cat", stdin="text on standard input\n"),
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
    harness.copy(os.path.join(paths.targets, "running"), program)
    os.chown(program, 65534, 65534)
    os.chmod(program, 0o4755)
    return threadleak(paths, "run", "--", program)


def cli_32bit(paths):
    program = os.path.join(paths.targets, "program_32bit")
    harness.need_32bit(program)
    return threadleak(paths, "run", "--", program)


def cli_bad_input(paths):
    """Bad options: printed before the command starts, with 125."""
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
    out += threadleak(paths, "help", "formats")
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
        out += "\n".join(facts.facts_of(json.loads(text), set(), paths.hide)) + "\n"
    finally:
        _, err = process.communicate(b"")
    return out + f"the process itself: status {process.returncode}\n{normalise_text(err.decode(), paths)}"


def waiting(paths, target, *args, watched=True):
    env = clean_environment(**({"LD_PRELOAD": paths.shim} if watched else {}))
    return harness.live([os.path.join(paths.targets, target), *args], env)


def groups_of_waits():
    """The groups of tests/golden/waits.txt, the report at the end of that program."""
    with open(os.path.join(os.path.dirname(__file__), "..", "golden", "waits.txt"), encoding="utf-8") as file:
        text = file.read()
    return text[text.index("running"):text.index("leaked: ")]


def without_middle(text):
    """Of a long report the title, two groups, the main thread and the last line."""
    parts = text.split("\n\n")
    groups = [i for i, part in enumerate(parts) if part.startswith(("running", "detached"))]
    return "\n\n".join(parts[:groups[2]] + ["..."] + parts[groups[-1] + 1:]) if len(groups) > 2 else text


def cli_report_stacks(paths):
    """Where every thread of a live process is, watched or not."""
    with waiting(paths, "waits", "stay") as pid:
        out = threadleak(paths, "report", str(pid)) + threadleak(paths, "report", "--threads=leaks", str(pid))
        out = out.replace(str(pid), "PID").replace(groups_of_waits(), "... as in waits.txt\n\n")
    with waiting(paths, "waits", "stay", watched=False) as pid:
        return out + threadleak(paths, "report", "--all", str(pid)).replace(str(pid), "PID")


def cli_report_refused(paths):
    """Without permission to trace: stacks come from the threads themselves, or are missing."""
    deny = os.path.join(paths.targets, "deny_ptrace")
    out = ""
    for watched in (True, False):
        with waiting(paths, "thousand" if not watched else "waits", "stay", watched=watched) as pid:
            status, text, err = run([deny, paths.cli, "report", str(pid)], clean_environment())
            if status == SKIP:
                raise Skip(err.strip())
            out += f"status {status}\n{without_middle(normalise_text(text, paths))}{err}".replace(str(pid), "PID")
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
        for times in (1, 2):  # one that comes while a report is made brings another report
            process.send_signal(signal.SIGUSR2)
            wait_until(lambda: os.path.exists(path) and open(path, encoding="utf-8").read().count(", peak ") >= times)
    finally:
        _, err = process.communicate(b"")
    with open(path, encoding="utf-8") as file:
        reports = re.findall(r"^threadleak: .*?, peak \d+\.\n", normalise_text(file.read(), paths), re.M | re.S)
    # Where a report takes long it is asked for again, and there are more than two; the last one may not be complete.
    text = "".join(reports[:2]) if len(set(reports)) == 1 else "\n".join(reports)
    return f"{text}--- the process: status {process.returncode}\n{err.decode()}"


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
    """Under valgrind no stacks can be taken, and the report has the reason."""
    if not shutil.which("valgrind"):
        raise Skip("no valgrind")
    _, _, err = run([paths.cli, "run", "--", "valgrind", "-q", os.path.join(paths.targets, "kinds")],
                    clean_environment(THREADLEAK_OPTIONS="stacks=1"))
    return "".join(line + "\n" for line in err.splitlines() if line.startswith(("current stacks", "leaked")))


CLI_CASES = [cli_statuses, cli_refused, cli_setuid, cli_32bit, cli_bad_input, cli_bad_ledger, cli_no_process,
             cli_report_file, cli_report_live, cli_report_stacks, cli_report_refused, cli_report_core, cli_report_thousand, cli_dump_signals, cli_words, cli_fingerprints, cli_colour,
             cli_asan_not_first, cli_installed, cli_verbosity, cli_valgrind]
