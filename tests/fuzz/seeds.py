#!/usr/bin/env python3
"""Small valid inputs for the fuzzers to begin from: fuzzers without them hardly leave the first checks.

  tests/fuzz/seeds.py FUZZERS     FUZZERS: directory of the built fuzzers; writes into NAME.corpus there
"""
import json
import os
import shutil
import struct
import subprocess
import sys

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
X86_64 = os.uname().machine == "x86_64"
CODE, STACK, LEDGER, PAGE = 0x400000, 0x10000000, 0x20000000, 4096
SOURCE = """
static int counter;
static inline __attribute__((always_inline)) int add(int by) { return counter += by; }
int twice(int n) { return add(n) + add(n); }
int main(void) { return twice(counter); }
"""
BASELINE = {"schema": "threadleak-baseline/1",
            "leaks": [{"fingerprint": "0123456789abcdef", "threads": 2, "sites": 1, "kind": "running", "function": "pool_start",
                       "file": "pool.c", "start_routine": "worker", "reason": "the pool lives until the end"},
                      {"fingerprint": "00000000000000aa", "threads": 1}]}
FRAME = [4198400, 4096, "/usr/bin/app", "01020304", "worker", "/src/pool.c", 17, False, False]
THREAD = {"tid": 7, "source": 0, "stack": 0, "why_none": None, "on": 1, "running": False, "address": 4096, "symbol": "jobs",
          "owner": 8, "timeout": 1, "left_s": 1.5, "text": "condvar wait", "what": "condvar", "kind": "condvar", "mutex": 8192,
          "mutex_symbol": None, "fd": -1, "idle_s": 0.5, "owner_id": 2}
OPTIONS = ["report=running,detached,unjoined:judge=exit,_exit:exitcode=1:grace_ms=0:signal=USR1", "depth=5 stacks=0,color=always",
           "log_path='/tmp/%h.%p log%%':format=json:suppressions=\"a b.supp\":suppressions=c.supp", "baseline=b.json follow=0 help=1",
           "report=none judge=all nonsense=1 depth=x"]
EXECS = b"12 345678 e\0/home/me\0./app\0" + b"0 99 s\0\0sh\0" + b"13 345679 f\0/usr/bin/env\0\0"
SCRIPTS = [b"#!/bin/sh\n", b"#! /usr/bin/env -S python3 -u\nprint()\n", b"#!/usr/bin/env  bash \n"]


def note(kind, desc, name=b"CORE\0"):
    pad = lambda data: data + b"\0" * (-len(data) % 4)
    return struct.pack("<III", len(name), len(desc), kind) + pad(name) + pad(desc)


def prstatus(tid, pc):
    """struct elf_prstatus: the tid is at 32, the registers are at 112."""
    regs = [0] * (27 if X86_64 else 34)
    if X86_64:
        regs[16], regs[19], regs[4], regs[15] = pc, STACK + 256, STACK + 264, 0xffffffffffffffff
    else:
        regs[32], regs[31], regs[29] = pc, STACK + 256, STACK + 264
    return bytes(32) + struct.pack("<I", tid) + bytes(112 - 36) + struct.pack(f"<{len(regs)}Q", *regs) + bytes(8)


def core(ledger, image, pc):
    """Two threads with a frame pointer, a mapped file with this image, and a ledger in memory."""
    stack = struct.pack("<4Q", STACK + 288, CODE + 16, 0, 0).rjust(288, b"\0").ljust(PAGE, b"\0")
    files = struct.pack("<2Q", 1, PAGE) + struct.pack("<3Q", CODE, CODE + len(image), 0) + b"/usr/bin/app\0"
    notes = note(1, prstatus(7, pc)) + note(1, prstatus(8, pc)) + note(0x46494c45, files)
    segments = [(4, 0, notes, 4), (1, CODE, image, 5), (1, STACK, stack, 6), (1, LEDGER, ledger, 6)]
    at = 64 + 56 * len(segments)
    headers, contents = b"", b""
    for kind, address, data, flags in segments:
        headers += struct.pack("<IIQQQQQQ", kind, flags, at + len(contents), address, 0, len(data), len(data), 1)
        contents += data
    head = b"\x7fELF\2\1\1" + bytes(9) + struct.pack("<HHIQQQIHHHHHH", 4, 62 if X86_64 else 183, 1, 0, 64, 0, 0, 64, 56, len(segments), 0, 0, 0)
    return head + headers + contents


def make_ledger(fuzzers, path):
    subprocess.run([os.path.join(fuzzers, "fuzz_ledger"), "-runs=0"], env={**os.environ, "FUZZ_SEED": path},
                   stderr=subprocess.DEVNULL, check=True)
    with open(path, "rb") as file:
        return file.read()


def compiled(directory, name, *flags):
    """The bytes of a small ELF file; without a compiler for these flags there is none."""
    source, out = os.path.join(directory, "seed.c"), os.path.join(directory, name)
    with open(source, "w", encoding="utf-8") as file:
        file.write(SOURCE)
    subprocess.run([os.environ.get("CC", "cc"), "-g", "-O1", *flags, source, "-o", out], stderr=subprocess.DEVNULL, check=False)
    os.unlink(source)
    if not os.path.exists(out):
        return b""
    with open(out, "rb") as file:
        return file.read()


def write(directory, seeds):
    for number, seed in enumerate(seeds):
        with open(os.path.join(directory, f"seed{number}"), "wb") as file:
            file.write(seed if isinstance(seed, bytes) else seed.encode())


def main(fuzzers):
    corpus = {}
    for name in ("ledger", "core", "suppressions", "baseline", "stacks", "options", "exec_records", "program_head", "symbolize"):
        corpus[name] = os.path.join(fuzzers, f"fuzz_{name}.corpus")
        os.makedirs(corpus[name], exist_ok=True)
    ledger = make_ledger(fuzzers, os.path.join(corpus["ledger"], "seed"))
    for name in os.listdir(os.path.join(ROOT, "tests", "data")):
        if name.endswith(".supp"):
            shutil.copy(os.path.join(ROOT, "tests", "data", name), corpus["suppressions"])
    write(corpus["baseline"], [json.dumps(BASELINE)])
    write(corpus["options"], OPTIONS)
    write(corpus["exec_records"], [EXECS])
    library = compiled(corpus["symbolize"], "library", "-shared", "-fPIC", "-nostdlib", "-Wl,--build-id")
    library += bytes(-len(library) % PAGE)  # its code is in the second page, at the same offset as in memory
    write(corpus["core"], [core(ledger, b"\xe8" * PAGE, CODE + 8), core(ledger, library or bytes(PAGE), CODE + PAGE + 4)])
    compiled(corpus["symbolize"], "dwarf4", "-shared", "-fPIC", "-nostdlib", "-gdwarf-4")
    compiled(corpus["symbolize"], "stripped", "-shared", "-fPIC", "-nostdlib", "-s")
    compiled(corpus["program_head"], "program")
    write(corpus["program_head"], SCRIPTS)
    with open(os.path.join(ROOT, "Makefile"), encoding="utf-8") as file:
        version = [line.split()[-1] for line in file if line.startswith("VERSION :=")][0]
    stacks = {"version": version, "note": None, "stacks": [{"frames": [FRAME, FRAME], "incomplete": "too many frames"}],
              "threads": [THREAD, {**THREAD, "tid": 8, "stack": -1, "why_none": "is traced"}]}
    write(corpus["stacks"], [json.dumps(stacks)])


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    main(sys.argv[1])
