#!/usr/bin/env python3
"""Who includes whom: reads tests/layers.txt, prints each include that breaks its order, and each cycle of files.

  tests/layering.py [BUILD]      with BUILD: also calls from one object file to another
"""
import glob
import os
import re
import subprocess
import sys

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
# The object files of the shim, and those of the program.
PARTS = [("preload/*/*.o",), ("src/*/*.o", "src/*/*/*.o", "cli/*.o", "cli/*/*.o")]
# A candidate for the base of a frame is checked by steps to its callers.
RECURSIVE = {"a cycle of calls: src/unwind/frame_base, src/unwind/step"}
INCLUDE = re.compile(r'^\s*#\s*include\s*"([^"]+)"', re.MULTILINE)


def read_table():
    """{directory: (position, public headers)}"""
    with open(os.path.join(ROOT, "tests", "layers.txt"), encoding="utf-8") as file:
        rows = [line.split() for line in file if line.strip() and not line.startswith("#")]
    return {row[0]: (place, row[1:]) for place, row in enumerate(rows)}


def find(name, includer):
    """The file that the preprocessor would take, below the root."""
    for directory in (os.path.dirname(includer), "", "src", "include"):
        path = os.path.normpath(os.path.join(directory, name))
        if os.path.exists(os.path.join(ROOT, path)):
            return path
    return None


def includes():
    """(file, file that it includes) of src/, cli/, preload/ and include/."""
    listed = subprocess.run(["git", "ls-files", "-co", "--exclude-standard", "src", "cli", "preload", "include"], cwd=ROOT,
                            check=True, stdout=subprocess.PIPE, text=True).stdout.split()
    for path in listed:
        if path.endswith((".c", ".h", ".def")) and os.path.exists(os.path.join(ROOT, path)):
            with open(os.path.join(ROOT, path), encoding="utf-8") as file:
                for name in INCLUDE.findall(file.read()):
                    yield path, name, find(name, path)


def calls(build, patterns):
    """(file, file that defines a symbol which it uses), from object files."""
    objects = [path for pattern in patterns for path in glob.glob(os.path.join(build, pattern))]
    files = {path: os.path.relpath(path, build)[:-1] + "c" for path in objects}
    files = {path: source for path, source in files.items() if os.path.exists(os.path.join(ROOT, source))}
    defined, used = {}, []
    for path, source in files.items():
        table = subprocess.run(["nm", "-P", path], check=True, stdout=subprocess.PIPE, text=True).stdout
        for name, kind, *_ in (line.split() for line in table.splitlines()):
            if kind == "U":
                used.append((source, name))
            elif kind.isupper():
                defined[name] = source
    # The loader binds the table of <threadleak.h>, perhaps to another copy of the library.
    return [(source, defined[name]) for source, name in used if name in defined and name != "threadleak_abi_1"]


def is_allowed(table, user, used):
    home, other = os.path.dirname(user), os.path.dirname(used)
    if home == other:
        return True
    top, other_top = home.split("/")[0], other.split("/")[0]
    if top == "include":
        return other_top == "include"
    if top == "preload" and other_top == "include":
        return True
    if top == "preload" and other == "src/common":
        return True
    if other not in table or (home not in table and home != "cli"):
        return False
    place, public = table[other]
    is_public = "*" in public or os.path.basename(used) in public
    if top == "cli":
        return is_public and (other_top == "src" or other == "cli/common")
    return top == other_top and is_public and place < table[home][0]


def without_row(table, user):
    home = os.path.dirname(user)
    listed = home in table or home == "cli" or home.startswith("include")
    return "" if listed else f"; tests/layers.txt has no row for {home}"


def cycles(table, edges):
    """Groups of files that reach each other.  A file and its header are one, but a directory's public header
    is not paired with a file: its implementations include it for its types."""
    graph = {}

    def node(path):
        directory, name = os.path.split(path)
        public = table.get(directory, (0, []))[1]
        return path if name in public else os.path.splitext(path)[0]

    for user, used in edges:
        a, b = node(user), node(used)
        if a != b:
            graph.setdefault(a, set()).add(b)

    def reached(start):
        seen, todo = set(), [start]
        while todo:
            for other in graph.get(todo.pop(), ()):
                if other not in seen:
                    seen.add(other)
                    todo.append(other)
        return seen

    reach = {start: reached(start) for start in graph}
    groups = {tuple(sorted(b for b in reach[a] if a in reach.get(b, ()))) for a in graph if a in reach[a]}
    return sorted(group for group in groups if group)


def calls_into(table, user, used):
    """Does a file call into a directory that is later in the table? cli/main.c is not in it, and calls all others."""
    home, other = table.get(os.path.dirname(user)), table.get(os.path.dirname(used))
    return home and other and other[0] > home[0]


def main():
    table, edges, wrong = read_table(), [], []
    for user, name, used in includes():
        if used is None:
            wrong.append(f"{user} includes {name}, which is nowhere")
        else:
            edges.append((user, used))
            if not is_allowed(table, user, used):
                wrong.append(f"{user} includes {used}{without_row(table, user)}")
    called = [calls(sys.argv[1], part) for part in PARTS] if len(sys.argv) > 1 else []
    wrong += [f"{user} calls into {used}" for part in called for user, used in part if calls_into(table, user, used)]
    wrong += ["a cycle: " + ", ".join(group) for group in cycles(table, edges)]
    wrong += ["a cycle of calls: " + ", ".join(group) for part in called for group in cycles(table, part)]
    wrong = [line for line in wrong if line not in RECURSIVE]
    print("\n".join(wrong), end="\n" if wrong else "")
    return 1 if wrong else 0


sys.exit(main())
