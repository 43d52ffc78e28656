"""Counts the instructions of a command, by the file that contains them."""
import collections
import os
import re
import subprocess
import tempfile

from programs import TIMEOUT_S, Failed

NAMED = re.compile(r"(c?ob)=\((\d+)\)(?: (.*))?")


def by_object(path):
    """{file: instructions}. A line of costs behind calls= is what the called function did: it has lines of its own."""
    names, counts, current, is_call = {}, collections.Counter(), None, False
    with open(path, encoding="utf-8", errors="replace") as file:
        for line in file:
            named = NAMED.match(line)
            if named:
                key, number, name = named.groups()
                if name:
                    names[number] = os.path.basename(name.strip())
                current = number if key == "ob" else current
            elif line.startswith("calls="):
                is_call = True
            elif line[:1] in "0123456789+-*" and not line.startswith("\n"):
                counts[current] += 0 if is_call else int(line.split()[1])
                is_call = False
    return collections.Counter({names.get(number, "?"): count for number, count in counts.items()})


def count(argv, cwd, env):
    """The environment is part of what the loader reads, so it has only what is given here."""
    with tempfile.TemporaryDirectory() as directory:
        out = os.path.join(directory, "callgrind")
        done = subprocess.run(["valgrind", "--tool=callgrind", f"--callgrind-out-file={out}", *argv], cwd=cwd, check=False,
                              env={"PATH": os.environ["PATH"], **env}, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                              stderr=subprocess.PIPE, timeout=TIMEOUT_S)
        if done.returncode != 0:
            raise Failed(f"{' '.join(argv)}: status {done.returncode}: {done.stderr.decode(errors='replace')[-300:]}")
        return by_object(out)


def of(counts, beginning):
    """The instructions of the file whose name begins so: its version follows."""
    return sum(count for name, count in counts.items() if name.startswith(beginning))
