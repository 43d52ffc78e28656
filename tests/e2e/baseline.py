#!/usr/bin/env python3
"""--baseline and --write-baseline: what counts, and that a fingerprint stays with its code.

  tests/e2e/baseline.py [--build DIR] [NAME...]
"""
import json
import os
import subprocess
import sys

import harness
from harness import TIMEOUT_S, demand

# LINES, WORK and MORE are where versions of the program differ.
PROGRAM = r"""
#include <pthread.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>
LINES
static void *stay(void *arg) { for (;;) pause(); return arg; }
static int stays;
__attribute__((noinline)) static void begin(void *(*start)(void *), int more) { pthread_t thread; WORK while (more--) pthread_create(&thread, NULL, start, NULL); }
__attribute__((noinline)) void pool(int count) { while (count--) begin(stay, 1); }
__attribute__((noinline)) void deeper(int depth) { if (depth) deeper(depth - 1); else begin(stay, 1); __asm__(""); }
__attribute__((noinline)) void other(void) { begin(stay, 1); __asm__(""); }
static void *maybe(void *arg) { (void)arg; if (stays) pause(); return NULL; }
static void *fresh(void *arg) { for (;;) sleep(9); return arg; }
__attribute__((noinline)) void once(int set) { stays = set; begin(maybe, 1); usleep(20000); __asm__(""); }
int main(int argc, char **argv)
{
    for (int i = 1; i < argc; i++)
        switch (argv[i][0]) {
        case 'p': pool(atoi(argv[i] + 1)); break;
        case 'd': deeper(atoi(argv[i] + 1)); break;
        case 'o': other(); break;
        case 'r': begin(argv[i][1] == 'f' ? fresh : stay, 1); break;
        case 's': once(atoi(argv[i] + 1)); break;
        case 'f':
            for (int n = atoi(argv[i] + 1); n; n--)
                if (fork() == 0) { pool(2); exit(0); }
            while (wait(NULL) > 0) ;
        }
    MORE
    return 0;
}
"""


class Bench(harness.Bench):
    def program(self, directory, *flags, lines="", work="", more=""):
        """The same name in a directory of its own, as each build has it."""
        os.makedirs(self.path(directory))
        program = self.path(directory + "/app")
        source = self.write(directory + "/app.c",
                            PROGRAM.replace("LINES", lines).replace("WORK", work).replace("MORE", more))
        subprocess.run(["cc", "-pthread", *flags, "-o", program, source], check=True, timeout=TIMEOUT_S)
        return program

    def run(self, options, program, *args):
        """Status, the report, what was printed."""
        output = self.path("report.json")
        argv = [self.cli, "run", "--no-stop", "--grace=50", "--format=json", "-o", output, *options, "--", program,
                *args]
        status, _, printed = harness.call(argv, env=self.env)
        report = None
        if os.path.exists(output):
            report = harness.read_json(output)
            os.unlink(output)
        return status, report, printed

    def record(self, program, *args, name="known.json"):
        status, report, printed = self.run([f"--write-baseline={self.path(name)}"], program, *args)
        demand(status == 0, f"writing a baseline: status {status}: {printed}")
        demand(report["summary"]["leaked_threads"] == 0, f"written, and still counted: {report['summary']}")
        leaks = self.known(name)["leaks"]
        threads = sum(leak["threads"] for leak in leaks)
        said = f"{name}: {threads} thread{'s' * (threads != 1)} of {len(leaks)} leak{'s' * (len(leaks) != 1)} written; "
        demand(said in printed, f"{said!r} is not in {printed!r}")
        return self.known(name)

    def known(self, name="known.json"):
        return harness.read_json(self.path(name))

    def check(self, program, *args):
        status, report, _ = self.run([f"--baseline={self.path('known.json')}"], program, *args)
        return status, report["summary"]["leaked_threads"], report["summary"]["suppressed_threads"]


def expect(found, wanted, what):
    demand(found == wanted, f"{what}: {found} and not {wanted}")


# ---- what counts -------------------------------------------------------------------------

def what_is_known_does_not_count(bench):
    program = bench.program("a", "-g")
    written = bench.record(program, "p2", "o")
    expect(sorted((leak["function"], leak["threads"]) for leak in written["leaks"]), [("begin", 1), ("begin", 2)], "written")
    expect(bench.check(program, "p2", "o"), (0, 0, 3), "the same")
    expect(bench.check(program, "p1"), (0, 0, 1), "fewer")
    expect(bench.check(program), (0, 0, 0), "none")


def a_new_place_counts(bench):
    program = bench.program("a", "-g")
    bench.record(program, "p2")
    expect(bench.check(program, "p2", "o"), (66, 1, 2), "a new place")


def more_of_them_count(bench):
    program = bench.program("a", "-g")
    bench.record(program, "p2")
    expect(bench.check(program, "p3"), (66, 3, 0), "three where two are known")
    _, _, printed = harness.call([bench.cli, "run", f"--baseline={bench.path('known.json')}", "--", program, "p3"],
                              env=bench.env)
    demand("the baseline has only 2" in printed, f"not printed: {printed}")


def another_start_routine_is_another_leak(bench):
    program = bench.program("a", "-g")
    bench.record(program, "r")
    expect(bench.check(program, "rf"), (66, 1, 0), "the same stack, another start routine")
    expect(bench.check(program, "r", "rf"), (66, 1, 1), "beside the known one")


def another_line_is_another_leak(bench):
    """Three threads of one line are known. Now there are two, each of another line."""
    program = bench.program("a", "-g", more="pthread_t t; for (int i = 0; i < 3; i++) pthread_create(&t, NULL, stay, NULL);")
    written = bench.record(program)
    expect([(leak["threads"], leak["sites"]) for leak in written["leaks"]], [(3, 1)], "written")
    changed = bench.program("b", "-g", more="pthread_t t; pthread_create(&t, NULL, stay, NULL);\n"
                                            "pthread_create(&t, NULL, stay, NULL);")
    expect(bench.check(changed), (66, 2, 0), "two lines where one is known")
    _, _, printed = harness.call([bench.cli, "run", f"--baseline={bench.path('known.json')}", "--", changed], env=bench.env)
    demand("the baseline has this leak from only 1 line\n" in printed, printed)
    bench.record(changed)
    expect(bench.check(changed), (0, 0, 2), "two lines are known")


def old_fingerprints_match_for_one_version(bench):
    """A file of version 0.1, whose fingerprints SARIF still has."""
    program, sarif = bench.program("a", "-g"), bench.path("report.sarif")
    harness.call([bench.cli, "run", "--no-stop", f"--format=sarif:{sarif}", "--", program, "p2", "o"], env=bench.env)
    results = harness.read_json(sarif)["runs"][0]["results"]
    leaks = [{"fingerprint": result["partialFingerprints"]["threadleak/v1"], "threads": result["properties"]["threads"],
              "kind": "running"} for result in results]
    demand(all(result["partialFingerprints"]["threadleak/v2"] != leak["fingerprint"]
               for result, leak in zip(results, leaks)), "the versions are one")
    old = bench.write("known.json", json.dumps({"schema": "threadleak-baseline/1", "leaks": leaks}))
    status, report, printed = bench.run([f"--baseline={old}"], program, "p2", "o")
    expect((status, report["summary"]["leaked_threads"]), (0, 0), printed)
    demand("2 leaks were matched by fingerprints of an older version: write the file anew with --write-baseline" in printed,
           printed)
    expect(bench.check(program, "p3", "o"), (66, 3, 1), "more of them")
    bench.run([f"--baseline={old}", f"--write-baseline={old}"], program, "p2", "o")
    _, _, printed = bench.run([f"--baseline={old}"], program, "p2", "o")
    demand("older" not in printed, f"written anew: {printed}")


def a_reason_is_kept(bench):
    program = bench.program("a", "-g")
    written, known = bench.record(program, "p2", "o"), bench.path("known.json")
    written["leaks"][0]["reason"] = "lives \x1b until the end"
    bench.write("known.json", json.dumps(written))
    for options in ([], [f"--baseline={known}"]):
        bench.run([*options, f"--write-baseline={known}"], program, "p2", "o")
        expect([leak.get("reason") for leak in bench.known()["leaks"]], ["lives \x1b until the end", None], "kept")
    _, _, printed = harness.call([bench.cli, "run", "-v", f"--baseline={known}", "--", program, "p2", "o"], env=bench.env)
    demand("suppressed by baseline: lives \\x1b until the end\n" in printed, printed)
    _, report, _ = bench.run([f"--baseline={known}"], program, "p2", "o")
    reasons = sorted(str(leak.get("baseline_reason")) for leak in report["processes"][0]["leaks"])
    expect(reasons, ["None", "lives \x1b until the end"], "in JSON")


TEMPLATES = """
#include <pthread.h>
#include <thread>
#include <unistd.h>
struct reader { void operator()() const { for (;;) pause(); } };
struct writer { void operator()() const { for (;;) pause(); } };
static void *stay(void *arg) { for (;;) pause(); return arg; }
template <class T> __attribute__((noinline)) void by_template() { pthread_t t; pthread_create(&t, nullptr, stay, nullptr); }
__attribute__((noinline)) void by_runtime(bool r) { if (r) new std::thread(reader()); else new std::thread(writer()); }
int main(int, char **argv)
{
    bool r = argv[1][0] == 'r';
    if (argv[1][1] == 't') r ? by_template<reader>() : by_template<writer>();
    else by_runtime(r);
    return 0;
}
"""


def template_arguments_are_identity(bench):
    source, program = bench.write("app.cc", TEMPLATES), bench.path("app")
    for flags in (["-O0", "-g"], ["-O0"], ["-O2", "-g", "-fno-ipa-icf"]):
        subprocess.run(["c++", "-pthread", *flags, "-o", program, source], check=True, timeout=TIMEOUT_S)
        for how in ("t", "r"):
            bench.record(program, "r" + how)
            expect(bench.check(program, "r" + how), (0, 0, 1), f"{flags} {how}")
            expect(bench.check(program, "w" + how), (66, 1, 0), f"{flags} {how}: other template arguments")


ASK_INCLUDES = "#include <stdio.h>\n#include <threadleak.h>"
ASK = """
if (getenv("ASK")) {
    printf("%d\\n", threadleak_check(getenv("ASK")));
    fflush(stdout);
    _exit(0);
}
"""


def checks_inside_the_program_use_it(bench):
    """At the end without `run`, and in a check of <threadleak.h>, whose options may name another file."""
    program = bench.program("a", "-g", "-I" + os.path.join(harness.ROOT, "include"), lines=ASK_INCLUDES,
                            more=ASK)
    bench.record(program, "p2")
    known, empty = bench.path("known.json"), bench.write("empty.json", '{"schema": "threadleak-baseline/1", "leaks": []}')
    shim = os.path.join(bench.build, "libthreadleak.so")

    def alone(options, *args, **more):
        env = {**bench.env, "LD_PRELOAD": shim, "THREADLEAK_OPTIONS": "exitcode=66 stacks=0 " + options, **more}
        return harness.call([program, *args], env=env)
    expect(alone(f"baseline='{known}'", "p2")[0], 0, "known")
    status, _, printed = alone(f"baseline='{known}'", "p3")
    expect((status, "the baseline has only 2" in printed), (66, True), printed)
    status, _, printed = alone("baseline=/nosuch", "p2")
    expect((status, "/nosuch: cannot be read" in printed), (66, True), printed)
    for asked, options, leaks in (("report=all", f"baseline='{known}'", 0), (f"baseline='{known}'", "", 0),
                                  (f"baseline='{empty}'", f"baseline='{known}'", 2), ("report=all", "", 2)):
        _, printed, err = alone(options, "p2", ASK=asked)
        expect(printed, f"{leaks}\n", f"{options}: {asked}: {err}")
    _, printed, _ = alone("", "p2", ASK="baseline=/nosuch")
    expect(printed, "-1\n", "a check with a file that is none")


def run_passes_it_to_checks(bench):
    program = bench.program("a", "-g", "-I" + os.path.join(harness.ROOT, "include"), lines="#include <threadleak.h>",
                            more="return threadleak_check(NULL);")
    status, _, _ = bench.run([f"--write-baseline={bench.path('known.json')}"], program, "p2")
    expect(status, 2, "the check of the program sees both")
    expect(bench.check(program, "p2"), (0, 0, 2), "it knows them, too")


def report_uses_it(bench):
    program = bench.program("a", "-g", more="write(1, \"up\\n\", 3); pause();")
    env = {**bench.env, "LD_PRELOAD": os.path.join(bench.build, "libthreadleak.so")}
    with subprocess.Popen([program, "p2"], env=env, stdout=subprocess.PIPE, text=True) as process:
        try:
            expect(process.stdout.readline(), "up\n", "it waits")
            ask = [bench.cli, "report", "--check", "--no-stop", "--format=json"]
            status, printed, _ = harness.call([*ask, str(process.pid)], env=bench.env)
            leaks = json.loads(printed)["processes"][0]["leaks"]
            expect((status, len(leaks)), (1, 1), printed)
            known = {"schema": "threadleak-baseline/1", "leaks": [{"fingerprint": leaks[0]["fingerprint"], "threads": 2}]}
            path = bench.write("known.json", json.dumps(known))
            status, printed, err = harness.call([*ask, f"--baseline={path}", str(process.pid)], env=bench.env)
            expect((status, json.loads(printed)["summary"]["suppressed_threads"]), (0, 2), err)
            expect(harness.call([*ask, "--baseline=/nosuch", str(process.pid)], env=bench.env)[0], 2, "no file")
        finally:
            process.kill()


def how_many_processes_did_it_is_no_matter(bench):
    program = bench.program("a", "-g")
    bench.record(program, "f1")
    expect(bench.check(program, "f3"), (0, 0, 6), "three processes with as many threads each")
    bench.record(program, "p3", "f1")
    expect(bench.check(program, "p3", "f1"), (0, 0, 5), "the most that one of them left")
    expect(bench.check(program, "p2", "f1"), (0, 0, 4), "two in each")


def alive_or_ended_is_one_leak(bench):
    program = bench.program("a", "-g")
    bench.record(program, "s1")
    expect(bench.check(program, "s0"), (0, 0, 1), "it had ended, and was never joined")


# ---- the fingerprint --------------------------------------------------------------------------

def lines_may_move(bench):
    first = bench.program("a", "-g")
    bench.record(first, "p2", "o", "d3")
    moved = bench.program("b", "-g", lines="/* new */\n" * 40 + "int unused_before(int a) { return a * 3; }",
                          work="if (getpid() == 1) abort();", more="usleep(1);")
    expect(bench.check(moved, "p2", "o", "d3"), (0, 0, 4), "moved lines and more code")


def addresses_may_move(bench):
    first = bench.program("a", "-g", "-no-pie", "-fno-pie")
    bench.record(first, "p2", "o")
    expect(bench.check(bench.program("b", "-g", "-pie", "-fPIE"), "p2", "o"), (0, 0, 3), "position independent")


def debug_information_may_go(bench):
    first = bench.program("a", "-g")
    bench.record(first, "p2", "o")
    expect(bench.check(bench.program("b"), "p2", "o"), (0, 0, 3), "without -g")


def optimised_clones_are_the_function(bench):
    first = bench.program("a", "-O2", "-fno-inline", "-fno-ipa-icf")
    symbols = subprocess.run(["nm", first], capture_output=True, text=True, check=True).stdout
    demand("begin.constprop.0" in symbols or "begin.isra.0" in symbols, "the compiler made no clone of begin()")
    bench.record(first, "p2")
    expect(bench.check(bench.program("b", "-O2", "-fno-inline", "-fno-ipa-icf", "-fno-ipa-cp", "-fno-ipa-sra"), "p2"),
           (0, 0, 2), "without clones")


def recursion_counts_once(bench):
    program = bench.program("a", "-g")
    bench.record(program, "d2")
    expect(bench.check(program, "d7"), (0, 0, 1), "another depth")


def the_same_run_writes_the_same(bench):
    program = bench.program("a", "-g")
    first = bench.record(program, "p2", "o", "s1", "f2")
    for _ in range(5):
        expect(bench.record(program, "p2", "o", "s1", "f2", name="again.json"), first, "written again")


# ---- files ---------------------------------------------------------------------------------------

def both_is_a_ratchet(bench):
    program = bench.program("a", "-g")
    bench.record(program, "p2")
    known = bench.path("known.json")
    status, _, _ = bench.run([f"--baseline={known}", f"--write-baseline={known}"], program, "p3")
    expect(status, 66, "what is new still counts")
    expect([leak["threads"] for leak in bench.known()["leaks"]], [3], "and is written")
    bench.run([f"--baseline={known}", f"--write-baseline={known}"], program, "p1")
    expect([leak["threads"] for leak in bench.known()["leaks"]], [1], "fewer")


def fixed_leaks_are_reported(bench):
    program = bench.program("a", "-g")
    bench.record(program, "p2", "o")
    status, _, printed = bench.run(["-v", f"--baseline={bench.path('known.json')}"], program, "p2")
    expect((status, "1 leak of the baseline did not occur" in printed), (0, True), printed)


def the_status_is_the_commands(bench):
    program = bench.program("a", "-g", more="return 9;")
    status, _, printed = bench.run([f"--write-baseline={bench.path('known.json')}"], program, "p1")
    expect(status, 9, printed)


def a_cut_off_run_writes_nothing(bench):
    program = bench.program("a", "-g", more="for (;;) pause();")
    status, _, _ = bench.run(["--timeout=300ms", f"--write-baseline={bench.path('known.json')}"], program, "p1")
    expect((status, os.path.exists(bench.path("known.json"))), (124, False), "timed out")


def a_bad_file_ends_it_before_command(bench):
    mark = bench.path("ran")
    bad = {"no JSON": "{", "a list": "[]", "another schema": '{"schema": "threadleak/1", "leaks": []}',
           "no leaks": '{"schema": "threadleak-baseline/1"}', "no list": '{"schema": "threadleak-baseline/1", "leaks": 1}',
           "no fingerprint": '{"schema": "threadleak-baseline/1", "leaks": [{"threads": 1}]}',
           "a short one": '{"schema": "threadleak-baseline/1", "leaks": [{"fingerprint": "12", "threads": 1}]}',
           "no number": '{"schema": "threadleak-baseline/1", "leaks": [{"fingerprint": "0123456789abcdef", "threads": "1"}]}',
           "no sites": '{"schema": "threadleak-baseline/1", "leaks": [{"fingerprint": "0123456789abcdef", "threads": 1, "sites": 0}]}',
           "below 1": '{"schema": "threadleak-baseline/1", "leaks": [{"fingerprint": "0123456789abcdef", "threads": 0}]}',
           "an entry that is none": '{"schema": "threadleak-baseline/1", "leaks": [3]}', "nothing": "", "binary": "\0\1\2"}
    for what, text in bad.items():
        status, _, printed = bench.run([f"--baseline={bench.write('bad.json', text)}"], "touch", mark)
        demand(status == 125 and "bad.json" in printed and printed.count("\n") == 1 and not os.path.exists(mark),
               f"{what}: {status}, {printed!r}")
    fifo = bench.path("fifo")
    os.mkfifo(fifo)
    for option in ("--baseline=/nosuch/file", "--write-baseline=/nosuch/file", f"--baseline={bench.tmp}", f"--baseline={fifo}",
                   f"--suppressions={fifo}"):
        status, _, printed = bench.run([option], "touch", mark)
        demand(status == 125 and printed.count("\n") == 1 and not os.path.exists(mark), f"{option}: {status}, {printed!r}")


def pipes_of_a_shell_are_written(bench):
    """As >(cat) of bash: a descriptor that COMMAND gets, too, and run keeps for the end."""
    for option in "--write-baseline=", "--gen-suppressions=":
        reader, writer = os.pipe()
        with open(reader, encoding="utf-8") as file:
            done = subprocess.run([bench.cli, "run", f"{option}/dev/fd/{writer}", "--", bench.target("running")], env=bench.env,
                                  pass_fds=[writer], stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=harness.TIMEOUT_S)
            os.close(writer)
            text = file.read()
        demand(done.returncode in (0, 66) and ("fingerprint" in text or "start:" in text), f"{option}: {done.returncode} {done.stderr} {text}")


TESTS = [pipes_of_a_shell_are_written, what_is_known_does_not_count, a_new_place_counts, more_of_them_count,
         another_start_routine_is_another_leak, another_line_is_another_leak, old_fingerprints_match_for_one_version,
         a_reason_is_kept, template_arguments_are_identity, checks_inside_the_program_use_it, run_passes_it_to_checks,
         report_uses_it,
         how_many_processes_did_it_is_no_matter, alive_or_ended_is_one_leak, lines_may_move, addresses_may_move,
         debug_information_may_go, optimised_clones_are_the_function, recursion_counts_once,
         the_same_run_writes_the_same, both_is_a_ratchet, fixed_leaks_are_reported, the_status_is_the_commands,
         a_cut_off_run_writes_nothing, a_bad_file_ends_it_before_command]

if __name__ == "__main__":
    sys.exit(harness.main(TESTS, Bench))
