#!/usr/bin/env python3
"""Shells complete the commands and options that `threadleak _options` lists.

  tests/e2e/completion.py [--build DIR] [NAME...]
"""
import os
import pty
import subprocess
import sys

import harness
from harness import ROOT, demand, need

# What is typed, and what it becomes: all candidates.
WORDS = (("sel", ["selftest"]), ("run --base", ["--baseline="]), ("report --no-s", ["--no-stop"]), ("help rep", ["report"]),
         ("run --gen", ["--gen-suppressions"]), ("watch --na", ["--name="]), ("help dead-o", ["dead-owner"]), ("help find", ["findings"]),
         ("help supp", ["suppressions"]),
         ("diff --", ["--all", "--check", "--format=", "--help"]))


def script(shell):
    return os.path.join(ROOT, "cli", f"completion.{shell}")


def lines(bench, *argv):
    status, out, err = harness.call(argv, env=bench.environment(HOME=bench.tmp, PATH=bench.build + ":" + os.environ["PATH"]))
    demand(status == 0 and not err, f"{argv}: {status} {out} {err}")
    return sorted(out.split("\n")[:-1])


def bash(bench):
    code = "source %s; COMP_WORDS=(threadleak %s); COMP_CWORD=$((${#COMP_WORDS[@]} - 1)); _threadleak; printf '%%s\\n' ${COMPREPLY[@]}"
    for words, wanted in WORDS:
        got = lines(bench, need("bash"), "-c", code % (script("bash"), words))
        demand(got == wanted, f"{words}: {got}")


def bash_in_a_terminal(bench):
    """A tab completes the command, and what is then called is its help."""
    master, slave = pty.openpty()
    env = bench.environment(HOME=bench.tmp, TERM="dumb", PATH=bench.build + ":" + os.environ["PATH"])
    shell = subprocess.Popen([need("bash"), "--norc", "--noprofile", "-i"], stdin=slave, stdout=slave, stderr=slave, env=env,
                             start_new_session=True)
    os.close(slave)
    try:
        os.write(master, f"source {script('bash')}\rthreadleak self\t--help; exit\r".encode())
        got = b""
        while b"usage: threadleak selftest" not in got:
            got += os.read(master, 4096)  # EIO when bash has ended
    except OSError:
        pass
    finally:
        shell.kill()
        shell.wait()
        os.close(master)
    demand(b"usage: threadleak selftest" in got, got.decode(errors="replace"))


def fish(bench):
    need("fish")
    for words, wanted in WORDS:
        got = lines(bench, "fish", "--no-config", "-c", f"source {script('fish')}; complete -C 'threadleak {words}'")
        demand([line.split("\t")[0] for line in got] == wanted and all("\t" in line for line in got), f"{words}: {got}")


def zsh(bench):
    """Its completion system is replaced by a function that prints what it would get."""
    need("zsh")
    code = """compdef() { : }; _files() { : }
        _describe() { [[ $1 == -o ]] && shift; local word; for word in ${(P)2}; do
            [[ ${word%%%%:*} == ${words[CURRENT]}* ]] && print -r -- ${word%%%%:*}; done; return 0 }
        source %s; words=(threadleak %s); CURRENT=$#words; _threadleak"""
    for words, wanted in WORDS:
        got = lines(bench, "zsh", "-f", "-c", code % (script("zsh"), words))
        demand(got == wanted, f"{words}: {got}")


TESTS = [bash, bash_in_a_terminal, fish, zsh]

if __name__ == "__main__":
    sys.exit(harness.main(TESTS, harness.Bench))
