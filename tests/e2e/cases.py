"""tests/cases.txt, read: what each case runs, and which targets there are."""
import os
import shlex

from harness import ROOT

TABLE = os.path.join(ROOT, "tests", "cases.txt")
WORDS = {"stacks", "any-peak", "status-only", "lasting", "no-text", "no-json"}
GRACE_MS = 5000  # for threads that are about to end: a busy machine can need longer than the default


class Case:
    def __init__(self, name, command, words):
        self.name = name
        self.target, *self.args = command or [name]
        values = {key: [word[len(key) + 1:] for word in words if word.startswith(key + "=")]
                  for key in ("both", "env", "run", "preload")}
        self.preload = values["preload"]
        flags = {word for word in words if "=" not in word and not word.startswith("-")}
        if flags - WORDS:
            raise ValueError(f"{TABLE}: {name}: unknown word {', '.join(sorted(flags - WORDS))}")
        lasts = "lasting" in flags
        self.env = [f"grace_ms={GRACE_MS}"] * (not lasts) + values["both"] + values["env"]
        self.options = [f"--grace={GRACE_MS}"] * (not lasts) + [f"--{value}" for value in values["both"]] + values["run"]
        self.stacks, self.any_peak = "stacks" in flags, "any-peak" in flags
        self.status_only = "status-only" in flags
        self.text, self.json = "no-text" not in flags, "no-json" not in flags


def rows():
    """(kind, name, command, words) of each line."""
    with open(TABLE, encoding="utf-8") as file:
        for line in file:
            left, _, right = line.partition(" : ")
            words = left.split()
            if words and not words[0].startswith("#"):
                yield words[0], words[1], words[3:], shlex.split(right)


CASES = [Case(name, command, words) for kind, name, command, words in rows() if kind == "case"]
TARGETS = [name for _, name, command, _ in rows() if not command or command[0] == name]
