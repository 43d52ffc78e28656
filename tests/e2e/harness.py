"""What the programs tests/e2e/*.py have in common.

A program's tests are functions of a Bench, what they work with.  One that returns
has passed; demand() fails it, and so does any exception; need() skips it.  The
program ends with sys.exit(harness.main(TESTS, Bench)), and its last line is what
tests/all.py sums up.
"""
import argparse
import atexit
import concurrent.futures
import contextlib
import errno
import functools
import hashlib
import json
import os
import re
import resource
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
import traceback

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
PROGRAM = os.path.splitext(os.path.basename(sys.argv[0]))[0]
with open(os.path.join(ROOT, "src", "common", "formats.def"), encoding="utf-8") as file:
    FORMATS = re.findall(r"^FORMAT\((\w+)\)", file.read(), re.MULTILINE)
TIMEOUT_S = 300  # for one command: far more than it needs on a busy machine
PARALLEL = max(2, os.cpu_count() or 2)
SOAK = os.environ.get("SOAK") == "1"  # with every repetition and combination
COMPILERS = {"rust_thread": "rustc", "rust_waits": "rustc", "unwind_clang": "clang"}  # the Makefile omits these targets without
if not re.fullmatch(r"[\w/.+-]+", tempfile.gettempdir()):  # ld.so splits LD_PRELOAD at spaces and colons, a shell splits words
    os.environ["TMPDIR"] = tempfile.tempdir = "/tmp"
resource.setrlimit(resource.RLIMIT_CORE, (0, resource.getrlimit(resource.RLIMIT_CORE)[1]))  # programs that abort leave no files
NPM = threading.Lock()  # what tests bring from npm they share


# ---- what a test says ----------------------------------------------------------------

class Skip(Exception):
    pass


class Wrong(Exception):
    pass


def demand(is_so, text):
    if is_so:
        return
    text = str(text)
    raise Wrong(text if len(text) < 6000 else f"{text[:4000]}\n[...]\n{text[-2000:]}")


def need(*programs, path=None):
    """All of them; where the first is."""
    found = [shutil.which(program, path=path) for program in programs]
    for program, where in zip(programs, found):
        if not where:
            raise Skip(f"no {program} here")
    return found[0]


def need_root():
    if os.geteuid() != 0:
        raise Skip("not root")


def runs(program):
    """Not every kernel runs every program: many have no 32-bit emulation."""
    try:
        call([program])
    except OSError as error:
        if error.errno not in (errno.ENOEXEC, errno.ENOENT):
            raise
        return False
    return True


def need_built(program):
    """A target, as a path.  A compiler that is missing here is a reason to skip; a build that was not run is not."""
    if os.path.exists(program):
        return
    name = os.path.basename(program)
    if name in COMPILERS and call([need(COMPILERS[name]), "--version"])[0] != 0:  # rustup's without a toolchain
        raise Skip(f"{COMPILERS[name]} does not work here")
    if name == "program_32bit" and not compiles_32bit():
        raise Skip("no 32-bit program can be built here")
    raise Wrong(f"{name} is not built: run make targets")


def compiles_32bit():
    source = os.path.join(ROOT, "tests", "targets", "no_thread.c")
    return call([os.environ.get("CC", "cc"), "-m32", "-o", "/dev/null", source])[0] == 0


def need_32bit(program):
    """As a path; built from tests/targets/no_thread.c."""
    need_built(program)
    if not runs(program):
        raise Skip("this kernel runs no 32-bit program")


def wait_until(is_so, seconds=TIMEOUT_S / 3):
    end = time.monotonic() + seconds
    while not is_so():
        demand(time.monotonic() < end, "what was waited for did not come")
        time.sleep(0.01)


# ---- programs --------------------------------------------------------------------------

def environment(*drops, **more):
    """Ours, without what would steer threadleak, the loader, make or colours; `drops`: other beginnings of names."""
    drops = ("THREADLEAK", "LD_", "MAKE", "CLICOLOR", "NO_COLOR", *drops)
    return {**{name: value for name, value in os.environ.items() if not name.startswith(drops)}, "LC_ALL": "C.UTF-8", **more}


def call(argv, errors="strict", **more):
    """Status, standard output and standard error of a command that has no input, unless more says so."""
    if "input" not in more:
        more = {"stdin": subprocess.DEVNULL, **more}
    done = subprocess.run(argv, check=False, **{"stdout": subprocess.PIPE, "stderr": subprocess.PIPE,
                                                "timeout": TIMEOUT_S, **more})
    return (done.returncode, *((text or b"").decode(errors=errors) for text in (done.stdout, done.stderr)))


def as_nobody():
    """What makes a command another user's."""
    return [need("setpriv"), "--reuid=65534", "--regid=65534", "--clear-groups"]


def python_with(module):
    """The one that runs this need not be the one that the distribution's modules are installed for."""
    for python in (sys.executable, "/usr/bin/python3"):
        if os.path.exists(python) and call([python, "-c", f"import {module}"])[0] == 0:
            return python
    raise Skip(f"no python here has {module}")


TEMPORARY = set()  # directories
OURSELVES = os.getpid()


def temporary(prefix):
    directory = tempfile.mkdtemp(prefix=prefix)
    TEMPORARY.add(directory)
    return directory


def remove(directory):
    shutil.rmtree(directory, ignore_errors=True)
    TEMPORARY.discard(directory)


@functools.cache
def built_directory():
    """For what several tests of a program compile alike."""
    directory = temporary(f"threadleak-{PROGRAM}-built-")
    atexit.register(remove, directory)
    return directory


def copy(source, target):
    """As shutil.copy(), by a process of its own.  A child that this program forks meanwhile has the file open for writing
    until its exec, and then the file cannot be executed (ETXTBSY)."""
    target = os.path.join(target, os.path.basename(source)) if os.path.isdir(target) else target
    subprocess.run(["cp", "--preserve=mode", "--", source, target], check=True, timeout=TIMEOUT_S)
    return target


BUILDING = threading.Lock()


def compile_once(compiler, source, program, *flags):
    """Compiles a source into a program, or copies what the same flags made of the same text; the compiler's result."""
    with open(source, "rb") as file:
        key = hashlib.sha256(repr((compiler, os.path.basename(source), flags, file.read())).encode()).hexdigest()
    kept = os.path.join(built_directory(), key)
    with BUILDING:
        if not os.path.exists(kept):
            done = subprocess.run([compiler, source, "-o", kept, *flags], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                  stderr=subprocess.PIPE, check=False, timeout=TIMEOUT_S)
            if done.returncode:
                return done
    copy(kept, program)
    return subprocess.CompletedProcess([compiler], 0, b"", b"")


def install(build, prefix):
    """The program and its library as they are installed, below a directory; where they are."""
    places = os.path.join(prefix, "bin", "threadleak"), os.path.join(prefix, "lib", "libthreadleak.so")
    for place in places:
        os.makedirs(os.path.dirname(place))
        copy(os.path.join(build, os.path.basename(place)), place)
    return places


def need_libgomp(program):
    """clang's programs use LLVM's library, which joins its threads, and waits otherwise."""
    with open(program, "rb") as file:
        if b"libgomp.so" not in file.read():
            raise Skip("not built with libgomp")


def limited(argv_of, is_ready=None, seconds=0.5, **more):
    """Status of a command with a time limit, argv_of(seconds), and the limit.  What the limit should find, is_ready(process),
    can need longer on a busy machine.  If it was never there, the command runs again with twice the time."""
    def was_ready(process):
        ready = is_ready is None
        while process.poll() is None:
            with contextlib.suppress(FileNotFoundError, ProcessLookupError):
                ready = ready or is_ready(process)
            time.sleep(0.01)
        return ready
    while True:
        with subprocess.Popen(argv_of(seconds), **{"stdin": subprocess.DEVNULL, "stdout": subprocess.DEVNULL, **more}) as process:
            if was_ready(process) or seconds > TIMEOUT_S / 4:
                return process.returncode, seconds
        seconds *= 2


def child_of(pid):
    """The first child of any of its threads; None: it has no child yet."""
    for tid in sorted(os.listdir(f"/proc/{pid}/task"), key=int):
        with contextlib.suppress(FileNotFoundError, ProcessLookupError), open(f"/proc/{pid}/task/{tid}/children",
                                                                              encoding="ascii") as file:
            for child in file.read().split():
                return int(child)
    return None


def below(pid):
    """The names and states of the processes that it and its children started, as far as they have not lost their parents."""
    found = []
    for tid in os.listdir(f"/proc/{pid}/task"):
        with contextlib.suppress(FileNotFoundError, ProcessLookupError):
            with open(f"/proc/{pid}/task/{tid}/children", encoding="ascii") as file:
                children = file.read().split()
            for child in children:
                with open(f"/proc/{child}/comm", encoding="utf-8", errors="replace") as file:
                    found += [(file.read().strip(), state_of(child)), *below(child)]
    return found


def sleeps_below(pid):
    """Is there a sleep(1) that sleeps?"""
    return ("sleep", "S") in below(pid)


def state_of(pid):
    with open(f"/proc/{pid}/stat", encoding="utf-8", errors="replace") as file:
        return file.read().rsplit(") ", 1)[1][0]


def tasks_of(pid):
    """Of each task, whether it sleeps, and how often it was scheduled. A main thread that has ended is a zombie."""
    tasks = {}
    for tid in os.listdir(f"/proc/{pid}/task"):
        with contextlib.suppress(FileNotFoundError, ProcessLookupError), open(f"/proc/{pid}/task/{tid}/status", encoding="utf-8",
                                                                              errors="replace") as file:
            text = file.read()
            still = "SZ" if tid == str(pid) else "S"
            tasks[tid] = (re.search(r"^State:\t(.)", text, re.M).group(1) in still, *re.findall(r"ctxt_switches:\t(\d+)", text))
    return tasks


def is_asleep(pid, threads=None):
    """A task that sleeps at two readings, and was not scheduled between them, slept from the one to the other.  When all
    did, none can wake another one.  `threads`: how many there must be."""
    before = tasks_of(pid)
    time.sleep(0.01)
    now = tasks_of(pid)
    return before == now and len(now) == (threads or len(now)) and all(task[0] for task in now.values())


def wait_until_asleep(pid, threads=None):
    wait_until(lambda: is_asleep(pid, threads))


@contextlib.contextmanager
def up(argv, env, **more):
    """A process that says "up" at its beginning. It is killed in the end."""
    process = subprocess.Popen(argv, env=env, **{"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, **more})
    try:
        demand(process.stdout.readline() == b"up\n", f"{argv} did not come up")
        yield process
    finally:
        process.kill()
        process.communicate(timeout=TIMEOUT_S)


@contextlib.contextmanager
def live(argv, env):
    """The pid of a target that says "up" when its threads are blocked in the wanted calls, and ends with its input."""
    process = subprocess.Popen(argv, env=env, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    try:
        demand(process.stdout.readline() == b"up\n", f"{argv[0]} did not come up")
        wait_until(lambda: state_of(process.pid) == "S")  # it reads its input: nothing else makes it sleep
        yield process.pid
    finally:
        try:
            process.communicate(b"", timeout=TIMEOUT_S)
        finally:
            process.kill()
            process.wait()


# ---- reports -----------------------------------------------------------------------------

def read_json(path):
    with open(path, encoding="utf-8") as file:
        return json.load(file)


def threads_of(process):
    """Of a process of a report, those that are in its leaks."""
    return [thread for leak in process["leaks"] for thread in leak["threads"]]


# ---- what a test works with ----------------------------------------------------------------

class Bench:
    """What was built, and a directory of one test's own."""

    PREFIX = f"threadleak-{PROGRAM}-"
    DROPS = ()  # beginnings of names of variables that no test has

    def __init__(self, build):
        self.build = build
        self.cli = os.path.join(build, "threadleak")
        self.shim = os.path.join(build, "libthreadleak.so")
        self.targets = os.path.join(build, "targets")
        self.env = environment(*self.DROPS)
        self.tmp = temporary(self.PREFIX)

    def environment(self, **more):
        return {**self.env, **more}

    def target(self, name):
        return os.path.join(self.targets, name)

    def path(self, name):
        return os.path.join(self.tmp, name)

    def write(self, name, text, mode=0o644):
        with open(self.path(name), "w", encoding="utf-8") as file:
            file.write(text)
        os.chmod(self.path(name), mode)
        return self.path(name)

    def read(self, name):
        with open(self.path(name), encoding="utf-8") as file:
            return file.read()

    def live(self, name, *args, watched=True):
        return live([self.target(name), *args], self.environment(**({"LD_PRELOAD": self.shim} if watched else {})))

    @contextlib.contextmanager
    def live_asleep(self, name, *args, watched=True):
        """The pid of a target that says "up" at its beginning, when all its threads are asleep."""
        with up([self.target(name), *args], self.environment(**({"LD_PRELOAD": self.shim} if watched else {}))) as process:
            wait_until_asleep(process.pid)
            yield process.pid

    def printed(self):
        """Text for the message of a failure."""
        return ""

    def end(self):
        remove(self.tmp)


# ---- running them ----------------------------------------------------------------------------

def parser():
    own = argparse.ArgumentParser(prog=PROGRAM)
    own.add_argument("--build", default="build", metavar="DIR",
                     type=lambda directory: os.path.abspath(os.path.join(ROOT, directory)))
    own.add_argument("names", nargs="*", metavar="NAME")
    return own


def restore_signals():
    """A shell's background job or nohup(1) ignores these, and so would all that is started here."""
    signal.signal(signal.SIGQUIT, signal.SIG_DFL)
    for number in (signal.SIGHUP, signal.SIGINT, signal.SIGTERM):
        signal.signal(number, end_by)


UNDER_WAY = set()  # names of tests


def end_by(number, _):
    """Ends at once, as such a signal does, and names the tests that are under way. Their files are removed: they are this
    process's, no child's."""
    if os.getpid() == OURSELVES:
        os.write(sys.stdout.fileno(), "".join(f"FAIL {PROGRAM} {name}: under way when signal {number} came\n"
                                              for name in sorted(UNDER_WAY)).encode())
        for directory in list(TEMPORARY):
            remove(directory)
    signal.signal(number, signal.SIG_DFL)
    os.kill(os.getpid(), number)


def chosen(jobs, names, name_of=lambda job: job[0]):
    """All of them, or those of these names."""
    unknown = set(names) - set(map(name_of, jobs))
    if unknown:
        print(f"no test {', '.join(sorted(unknown))}; the tests are: {' '.join(dict.fromkeys(map(name_of, jobs)))}",
              file=sys.stderr)
        sys.exit(2)
    return [job for job in jobs if not names or name_of(job) in names]


def describe(error):
    """The error, and the line of the test."""
    frames = traceback.extract_tb(error.__traceback__)
    lines = [f"{os.path.basename(frame.filename)}:{frame.lineno}: " for frame in frames
             if frame.name != "<lambda>" and os.path.abspath(frame.filename) != os.path.abspath(__file__)]
    text = f"{type(error).__name__}: {error}"
    if isinstance(error, Wrong):
        text = str(error)
    elif isinstance(error, subprocess.TimeoutExpired):
        text = f"still running after {error.timeout} s: {error.cmd}"
    return "\n".join([(lines or [""])[0] + text, *getattr(error, "__notes__", [])])


def run_one(name, test):
    """('passed' | 'failed' | 'skipped', text); whatever happens, the others still run."""
    UNDER_WAY.add(name)
    try:
        test()
        return "passed", ""
    except Skip as reason:
        return "skipped", str(reason)
    except (Exception, SystemExit) as error:
        return "failed", describe(error)
    finally:
        UNDER_WAY.discard(name)


def run_all(jobs, workers=PARALLEL):
    """Runs (name, function) each, prints those that did not pass; returns the program's exit status."""
    counts = {"passed": 0, "failed": 0, "skipped": 0}
    sys.stdout.reconfigure(errors="backslashreplace")  # what programs printed may be no text
    with concurrent.futures.ThreadPoolExecutor(workers) as pool:
        results = (pool.map if workers > 1 else map)(lambda job: run_one(*job), jobs)
        for (name, _), (verdict, text) in zip(jobs, results):
            counts[verdict] += 1
            if verdict != "passed":
                word = "FAIL" if verdict == "failed" else "skip"
                print(f"{word} {PROGRAM} {name}:", text.rstrip("\n").replace("\n", "\n    "), flush=True)
    print(", ".join(f"{count} {word}" for word, count in counts.items()))
    return 1 if counts["failed"] else 0


def main(tests, make_bench, workers=PARALLEL):
    arguments = parser().parse_args()
    restore_signals()

    def on_a_bench(test):
        bench = make_bench(arguments.build)
        try:
            test(bench)
        except Exception as error:
            error.add_note(bench.printed())
            raise
        finally:
            bench.end()

    jobs = [(test.__name__, lambda test=test: on_a_bench(test)) for test in tests]
    return run_all(chosen(jobs, arguments.names), workers)
