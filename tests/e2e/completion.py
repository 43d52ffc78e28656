#!/usr/bin/env python3
"""Shells complete the commands, options and values that `threadleak _options` lists.

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

# Options, what is typed of their values, and the values.
VALUES = (("run --format", "j", ["json", "junit"]), ("report --format", "ju", ["junit"]), ("watch --format", "js", ["json"]),
          ("diff --format", "tex", ["text"]), ("run --color", "a", ["always", "auto"]), ("report --stacks", "crea", ["creation"]),
          ("run --fail-on", "dead-o", ["dead-owner"]), ("run --fail-on", "stuck,dead-o", ["stuck,dead-owner"]),
          ("report --find", "non", ["none"]), ("run --judge", "exit,_e", ["exit,_exit"]), ("report --threads", "leak", ["leaks"]))


# In the arguments of COMMAND there are none of ours.
INSIDE = ("run make --ba", "run -q -- make --ba", "run --format=json make --ba", "run --format json ./app --ba", "run -o x -- --ba",
          "run -- make -C x --ba")
# Nor is a command: the next word is still an option, or its value.
BEFORE = (("run -q --base", ["--baseline="]), ("run -o x --base", ["--baseline="]), ("run --format json --base", ["--baseline="]))


def script(shell):
    return os.path.join(ROOT, "cli", f"completion.{shell}")


def lines(bench, *argv):
    status, out, err = harness.call(argv, env=bench.environment(HOME=bench.tmp, PATH=bench.build + ":" + os.environ["PATH"]))
    demand(status == 0 and not err, f"{argv}: {status} {out} {err}")
    return sorted(out.split("\n")[:-1])


def completed_by_bash(bench, words):
    code = "source %s; COMP_WORDS=(threadleak %s); COMP_CWORD=$((${#COMP_WORDS[@]} - 1)); _threadleak; printf '%%s\\n' ${COMPREPLY[@]}"
    return lines(bench, need("bash"), "-c", code % (script("bash"), words))


def bash(bench):
    for words, wanted in WORDS:
        got = completed_by_bash(bench, words)
        demand(got == wanted, f"{words}: {got}")


def bash_inside_the_command(bench):
    for words in INSIDE:
        got = completed_by_bash(bench, words)
        demand(got == [""], f"{words}: {got}")
    for words, wanted in BEFORE:
        got = completed_by_bash(bench, words)
        demand(got == wanted, f"{words}: {got}")
    got = completed_by_bash(bench, "run -q -- threadlea")
    demand("threadleak" in got, f"the command itself: {got}")


def bash_values(bench):
    """Bash has three words for --format=j, or one if the user took the '=' out of COMP_WORDBREAKS."""
    for option, typed, wanted in VALUES:
        for words in (f"{option} = {typed}", f"{option} {typed or repr('')}"):
            got = completed_by_bash(bench, words)
            demand(got == wanted, f"{words}: {got}")
        got = completed_by_bash(bench, f"{option}={typed}")
        demand(got == [option.split()[1] + "=" + word for word in wanted], f"{option}={typed}: {got}")
    for words in ("watch --format =", "watch --format ''"):
        got = completed_by_bash(bench, words)
        demand(got == ["json", "text"], f"{words}: {got}")


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


def fish_inside_the_command(bench):
    need("fish")
    def completed(words):
        return [line.split("\t")[0] for line in
                lines(bench, "fish", "--no-config", "-c", f"source {script('fish')}; complete -C 'threadleak {words}'")]
    for words in INSIDE:
        demand("--baseline=" not in completed(words), f"{words}: {completed(words)}")
    for words, wanted in BEFORE:
        demand(completed(words) == wanted, f"{words}: {completed(words)}")
    demand("threadleak" in completed("run -q -- threadlea"), "the command itself")


def fish_values(bench):
    need("fish")
    for option, typed, wanted in VALUES:
        got = lines(bench, "fish", "--no-config", "-c", f"source {script('fish')}; complete -C 'threadleak {option}={typed}'")
        demand([line.split("\t")[0] for line in got] == [option.split()[1] + "=" + word for word in wanted], f"{option}={typed}: {got}")


ZSH = """compdef() { : }; _normal() { print -r -- normal $CURRENT $words }; _files() { : }; compset() { words[CURRENT]=${words[CURRENT]##${~2}} }
    _describe() { [[ $1 == -o ]] && shift; local word; for word in ${(P)2}; do
        [[ ${word%%%%:*} == ${words[CURRENT]}* ]] && print -r -- ${word%%%%:*}; done; return 0 }
    source %s; words=(threadleak %s); CURRENT=$#words; _threadleak"""


def zsh(bench):
    """Its completion system is replaced by a function that prints what it would get."""
    need("zsh")
    for words, wanted in WORDS:
        got = lines(bench, "zsh", "-f", "-c", ZSH % (script("zsh"), words))
        demand(got == wanted, f"{words}: {got}")


def zsh_inside_the_command(bench):
    need("zsh")
    for words in INSIDE:
        got = lines(bench, "zsh", "-f", "-c", ZSH % (script("zsh"), words))
        inside = words.partition(" -- ")[2] or words[words.rindex("make" if "make" in words else "./app"):]
        demand(got == [f"normal {len(inside.split())} {inside}"], f"{words}: {got}")
    for words, wanted in BEFORE:
        got = lines(bench, "zsh", "-f", "-c", ZSH % (script("zsh"), words))
        demand(got == wanted, f"{words}: {got}")


def zsh_values(bench):
    """The shell itself puts what is before the value in front of it."""
    need("zsh")
    for option, typed, wanted in VALUES:
        got = lines(bench, "zsh", "-f", "-c", ZSH % (script("zsh"), f"{option}={typed}"))
        demand(got == [word.rpartition(",")[2] for word in wanted], f"{option}={typed}: {got}")


TESTS = [bash, bash_inside_the_command, bash_values, bash_in_a_terminal, fish, fish_inside_the_command, fish_values, zsh,
         zsh_inside_the_command, zsh_values]

if __name__ == "__main__":
    sys.exit(harness.main(TESTS, harness.Bench))
