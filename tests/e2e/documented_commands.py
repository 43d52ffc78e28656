#!/usr/bin/env python3
"""Each command line of README.md, CONTRIBUTING.md and the manual is run, or the tables below say by which test.

  tests/e2e/documented_commands.py [--build DIR] [NAME...]
"""
import glob
import os
import re
import shlex
import sys

import harness
from harness import ROOT, demand

# A line that begins so is a command; assignments can come before.
PROGRAMS = (r"(threadleak|threadleak-\S+|tar|make|sudo|man|kill|cmake|meson|cargo|export|pkg-config|cc|ctest|pytest|flamegraph\.pl|install|cp|systemctl"
            r"|(build|tests|bench|\.ci)/\S+)")
COMMAND = re.compile(rf"(\w+=('[^']*'|\S+) )*{PROGRAMS}( |$)")
# Blocks that begin so are no commands.
OTHER_BLOCKS = re.compile(r"STUCK: |LEAK GROWS: |threadleak: |on: push|threads:$|scrape_configs:|groups:|(?i:watched program)  |#include |"
                          r"# |\w+:\S|/\*|static |int |void |struct |for \(|if \(|pthread_|std::")

# What is run here, with its status and a part of what it prints.
RUN = {
    "threadleak run -- make check": (66, "leaked thread"),
    "threadleak run -- ctest": (66, "leaked thread"),
    "threadleak run -- pytest": (66, "leaked thread"),
    "threadleak run -- ./example": (66, "leaked thread"),
    "threadleak run --timeout=5m -- ./app": (66, "leaked thread"),
    "threadleak run --per-process --format=json:%h.%p.json -- make check": (66, ""),
    "threadleak run --write-baseline=threads.json -- make check": (0, ""),
    "threadleak run --baseline=threads.json -- make check": (0, ""),
    "make check RUN='threadleak run --'": (2, "leaked thread"),
    "LD_PRELOAD=/usr/local/lib/libthreadleak.so ./app": (0, "leaked thread"),
    "threadleak report PID": (0, "live thread"),
    "threadleak report 4242": (0, "live thread"),
    "threadleak report --format=folded PID": (0, ";"),
    "threadleak report --format=pprof:threads.pb.gz PID": (0, ""),
    "threadleak diff monday.json PID": (0, "same"),
    "kill -QUIT PID": (0, ""),
    "threadleak help findings": (0, "deadlock"),
    "threadleak help deadlock": (0, "circle"),
    "threadleak help suppressions": (0, "start"),
    "tests/e2e/run_tree.py NAME": (2, "the tests are: "),
    "make help": (0, "check-quick"),
}
# Scripts of several lines, by their first one: a part of what they print.
SCRIPTS = {"LD_PRELOAD=@SHIMDIR@/libthreadleak.so ./server &": "thread", "export THREADLEAK_OPTIONS=signal=USR1": "live thread"}
# What other tests run: a file that has this text.
ELSEWHERE = {
    "make deps": (".ci/run", "make deps-check check"),
    "make deps demo": ("tests/e2e/e2e.py", "CASES"),  # the case demo; and deps is a part of deps-check
    "make demo": ("tests/cases.txt", "case demo"),
    "make": (".ci/run", "make deps-check check"),
    "make deps-check": (".ci/run", "make deps-check check"),
    "make deps-check check": (".ci/run", "make deps-check check"),
    "make check": (".ci/run", "make deps-check check"),
    "make check-quick": ("mk/tests.mk", "check-quick: all targets"),
    "make lint": ("mk/tests.mk", '"tests/lint.py --build $(BUILD)"'),
    "make deps-soak soak": ("mk/tests.mk", "soak: all targets"),
    "make soak": ("mk/tests.mk", "soak: all targets"),
    "make fuzz FUZZ_SECONDS=60": ("mk/fuzz.mk", "tests/e2e/fuzzers.py"),
    "make && sudo make install": ("tests/e2e/install.py", "def works_plain"),
    "tar -xzf threadleak-VERSION-x86_64.tar.gz": ("tests/e2e/release.py", "def works_anywhere"),
    "threadleak-VERSION-x86_64/bin/threadleak run -- ./app": ("tests/e2e/release.py", "def works_anywhere"),
    "make release-tarball": ("tests/e2e/release.py", "release-tarball"),
    "make BUILD=build/musl CC=musl-gcc CPPFLAGS=-Ibuild/musl/headers build/musl/libthreadleak.so": ("tests/e2e/musl.py", "musl-gcc"),
    "make install": ("tests/e2e/install.py", "def works_plain"),
    "pkg-config threadleak": ("tests/e2e/install.py", "def pkg_config"),
    "cc $(pkg-config --cflags threadleak)": ("tests/e2e/api_builds.py", '"pkg-config", "--cflags"'),
    "make -s build/tests/unit/check_wait_file && build/tests/unit/check_wait_file": ("mk/tests.mk", "wait_file"),
    "TEST=socket_pair build/tests/unit/check_wait_file": ("tests/unit/check_wait_file.c", "socket_pair"),
    "make -s build/asan/tests/unit/check_wait_file": ("mk/tests.mk", "$(BUILD)/asan/tests/unit/%"),
    "make -s all targets && tests/e2e/e2e.py waits": ("tests/e2e/make_flags.py", '"waits"'),
    "make build/old_glibc/libthreadleak.so build/old_glibc/threadleak": ("mk/tests.mk", "OLD_GLIBC := $(BUILD)/old_glibc/threadleak"),
    "make build/tests/unit/check_formats && build/tests/unit/check_formats": ("mk/tests.mk", "formats"),
    "make all build/targets/kinds && build/threadleak run --format=csv build/targets/kinds": ("tests/e2e/formats.py", "def "),
    "threadleak attach PID &": ("tests/e2e/attach.py", "def kinds"),  # needs root
    "threadleak attach 4242 &": ("tests/e2e/attach.py", "def kinds"),
    "threadleak top PID": ("tests/e2e/top.py", "def keys"),  # needs a terminal
    "threadleak watch --name=server": ("tests/e2e/watch.py", "def restart"),  # does not end
    "threadleak serve": ("tests/e2e/serve.py", "def paths"),  # does not end
    "threadleak selftest": ("tests/e2e/selftest.py", "TESTS"),
    "meson test --wrap='threadleak run --'": ("tests/e2e/projects.py", "def meson"),
    "PYTHONPATH=PREFIX/share/threadleak threadleak run -- pytest -p pytest_threadleak": ("tests/e2e/projects.py", "def pytest_plugin"),
    "meson test --setup=threadleak": ("tests/e2e/projects.py", "def meson"),
    "cmake -B build '-DCMAKE_CROSSCOMPILING_EMULATOR=threadleak;run;--'": ("tests/e2e/ctest.py", "def ctest_emulator"),
    "cmake -B build '-DCMAKE_TEST_LAUNCHER=threadleak;run;--'": ("tests/e2e/ctest.py", "def ctest_launcher"),
    "make check LOG_COMPILER=threadleak AM_LOG_FLAGS='run --'": ("tests/e2e/projects.py", "def automake"),
    "CARGO_TARGET_X86_64_UNKNOWN_LINUX_GNU_RUNNER='threadleak run --' cargo test": ("tests/e2e/projects.py", "def cargo"),
}
UPDATES = re.compile(r"(make [-\w /]+&& )?UPDATE=1 (tests/e2e/\w+\.py|build/(tests/unit/\w+))( \w+)?$")  # they write into the sources


def read(*parts):
    with open(os.path.join(ROOT, *parts), encoding="utf-8") as file:
        return file.read()


# ---- what is documented ------------------------------------------------------------------

def blocks_of(text, indented):
    """The blocks of code of a page, as lists of lines."""
    fenced = re.findall(r"^```\w*\n(.*?)^```", text, re.M | re.S)
    rest = re.sub(r"^```\w*\n.*?^```\n", "", text, flags=re.M | re.S)
    found = re.findall(r"(?:(?<=\n\n)|^)(?:    .*\n(?:\n(?=    ))?)+", rest, re.M) if indented else []
    return [[line.strip() for line in block.splitlines() if line.strip()] for block in fenced + found]


def plain(text):
    """Without the comment behind a command, and without scdoc's markup."""
    text = re.sub(r"\s+# .*", "", text)
    return re.sub(r"\+\+$", "", " ".join(text.split()))


def inline(name, text):
    """Commands in a sentence, with at least one argument; in the manual, *threadleak run* is the name of a command."""
    text = re.sub(r"^```.*?^```", "", text, flags=re.M | re.S)
    if name.endswith(".md"):
        quoted = [code for code in re.findall(r"`([^`]+)`", re.sub(r"^    .*", "", text, flags=re.M))]
    else:
        text = re.sub(r"^# SYNOPSIS\n.*?^# ", "# ", text, flags=re.M | re.S)
        quoted = [re.sub(r"[*_]", "", code) for code in re.findall(r"\*(?:threadleak|make|cc) [^*\n]*\*(?: _PID_)?", text)]
        quoted += [plain(line[1:]) for line in re.findall(r"^\tthreadleak \S+ .*", text, re.M)]
    quoted = [" ".join(code.split()) for code in quoted]
    return [code for code in quoted if COMMAND.match(code) and " " in code and not re.fullmatch(
        r"(threadleak (run|report|attach|diff|watch|top|serve|help)( --(\w+)?)?|make -j|threadleak \w+ --timeout|make bench[-\w]*)", code)]


def pages():
    names = ["README.md", "CONTRIBUTING.md", *sorted(os.path.relpath(path, ROOT) for path in glob.glob(os.path.join(ROOT, "man", "*.scd")))]
    return [(name, read(name)) for name in names]


def documented():
    """(page, script): the lines of a block that are run together, or one line."""
    for name, text in pages():
        for block in blocks_of(text, name.endswith(".md")):
            if not COMMAND.match(block[0]) and not block[0].startswith("LD_PRELOAD="):
                if name != "man/threadleak-patterns.7.scd":
                    demand(OTHER_BLOCKS.match(block[0]), f"{name}: is this a command? It has no row: {block[0]}")
                for line in re.findall(r"(?:- |run: )(threadleak run .*)", "\n".join(block)):
                    yield name, [line]
                continue
            lines = [plain(line) for line in block if COMMAND.match(line) or line.startswith("LD_PRELOAD=")]
            if any("$!" in line for line in lines):
                yield name, lines
            else:
                yield from ((name, [line]) for line in lines)
        for line in inline(name, text):
            yield name, [line]


def where_it_is_run(lines):
    """None: here. Otherwise a file, and what it has in it; or an error."""
    line = lines[0]
    if len(lines) > 1:
        demand(line in SCRIPTS, f"no row: {lines}")
        return None
    if line in RUN:
        return None
    if line in ELSEWHERE:
        return ELSEWHERE[line]
    if re.fullmatch(r"threadleak run --format=\S+ --format=\S+ -- make check", line):
        return "tests/e2e/ci_snippets.py", "def ci_commands"
    if re.fullmatch(r"make bench.*", line):
        return "bench/README.md", "bench"
    page = re.fullmatch(r"man (threadleak[\w-]*)", line)
    if page:
        return os.path.relpath(glob.glob(os.path.join(ROOT, "man", page.group(1) + ".[0-9].scd"))[0], ROOT), page.group(1)
    update = UPDATES.match(line)
    demand(update, f"no row: {line}")
    return (f"{update.group(3)}.c", "check_") if update.group(3) else (update.group(2), "UPDATE" if "e2e.py" in line else "")


# ---- tests ---------------------------------------------------------------------------------

def each_has_a_row(_):
    found, wrong = list(documented()), []
    demand(len(found) > 70, found)
    for name, lines in found:
        try:
            place = where_it_is_run(lines)
            demand(not place or place[1] in read(place[0]), f"{place} is no more")
        except (harness.Wrong, OSError, IndexError) as error:
            wrong.append(f"{name}: {lines}: {error}")
    demand(not wrong, "\n".join(wrong))
    lines = {lines[0] for _, lines in found}
    unused = (set(RUN) | set(ELSEWHERE) | set(SCRIPTS)) - lines
    demand(not unused, f"rows of nothing: {sorted(unused)}")


def targets_of_make_exist(bench):
    """Of the lines that are run elsewhere."""
    words = {word for line in ELSEWHERE for part in line.split("&&") if re.match(r"\s*(sudo )?make\b(?!.* BUILD=)", part)
             for word in shlex.split(part.replace("sudo", ""))[1:] if not word.startswith("-") and "=" not in word and word != "check"}
    status, _, err = harness.call(["make", "-n", "-C", ROOT, *sorted(words)], env=bench.env)
    demand(len(words) > 10 and status == 0, err)


class Bench(harness.Bench):
    """A project with a Makefile, a program that leaks, and a server."""

    def __init__(self, build):
        super().__init__(build)
        os.mkdir(self.path("bin"))
        for name in ("pytest", "ctest"):
            self.write(f"bin/{name}", "#!/bin/sh\nexec ./app\n", 0o755)
        self.write("Makefile", "check:\n\t@$(RUN) ./app\n")
        for name in ("app", "example"):
            harness.copy(self.target("running"), self.path(name))
        os.mkfifo(self.path("server.in"))
        self.write("server", f"#!/bin/sh\nexec {self.target('wait_for_end')} <server.in\n", 0o755)
        self.env = self.environment(PATH=f"{self.path('bin')}:{self.build}:{os.environ['PATH']}")

    def shell(self, script):
        script = re.sub(r"^(tests/)", ROOT + r"/\1", re.sub("/usr/local/lib/|@SHIMDIR@/", self.build + "/", script))
        script = script.replace("make help", f"make -C {ROOT} help")
        status, out, err = harness.call(["bash", "-c", script], env=self.env, cwd=self.tmp)
        return status, out + err


def runs_as_documented(bench, line):
    status, part = RUN[line]
    if not re.search(r"\b(PID|4242)\b", line):
        got, out = bench.shell(line)
        demand(got == status and part in out, f"{line}: {got}, {out}")
        return
    with bench.live("wait_for_end") as pid:
        bench.shell(f"threadleak report --format=json -o monday.json {pid}")
        got, out = bench.shell(re.sub(r"\b(PID|4242)\b", str(pid), line))
        demand(got == status and part in out, f"{line}: {got}, {out}")
        demand(harness.state_of(pid) != "Z", f"{line}: it ended the program")


def lines_run(bench):
    for line in RUN:
        runs_as_documented(bench, line)


def scripts_run(bench):
    """Whatever comes before "&" has said that it is up before the next line begins."""
    for name, lines in documented():
        if len(lines) == 1:
            continue
        script = "\n".join(lines).replace("./server &", "./server >up 2>printed & exec 3>server.in; until grep -q up up; do sleep 0.01; done")
        end = "until grep -q threadleak: printed; do sleep 0.01; done; cat printed" if "kill" in script else ":"
        status, out = bench.shell(f"{script}\n{end}\nexec 3>&-; wait")
        demand(status == 0 and SCRIPTS[lines[0]] in out, f"{name}: {script}: {status}, {out}")


TESTS = [each_has_a_row, targets_of_make_exist, lines_run, scripts_run]

if __name__ == "__main__":
    sys.exit(harness.main(TESTS, Bench))
