#!/usr/bin/env python3
"""What a watched program must not notice, and what the report still has: signals, other
users and roots, other tracers, odd masks.

  tests/e2e/harmless.py [--build DIR] [NAME...]
"""
import fcntl
import itertools
import json
import os
import re
import resource
import signal
import socket
import subprocess
import sys
import time

import harness
import tree_bench
from harness import TIMEOUT_S, demand, need, need_root, threads_of, wait_until


def start_target(bench, name, *args, **more):
    """It prints "ready" or "up" when its threads are blocked in the wanted calls."""
    process = bench.start([bench.target(name), *args], piped=True, **more)
    demand(process.stdout.readline() in (b"ready\n", b"up\n"), "not ready")
    return process


def ask(process):
    """A line in, a line of numbers out."""
    process.stdin.write(b"\n")
    process.stdin.flush()
    return [int(word) for word in process.stdout.readline().split()]


def report_of(bench, pid):
    status, out, err = harness.call([bench.cli, "report", "--format=json", str(pid)])
    demand(status == 0, err)
    return json.loads(out)["processes"][0]


# ---- forks ------------------------------------------------------------------------------

def fork_in_hook(bench):
    """A child that is forked in the middle of a hook works, with a ledger of its own and without one."""
    target = [bench.target("fork_in_hook")]
    shim = dict(bench.env, LD_PRELOAD=bench.shim)
    for env in (bench.env, shim, dict(shim, THREADLEAK_OPTIONS="follow=0")):
        for _ in range(3):
            result = harness.call(target, env=env)
            demand(result == (0, "done\n", ""), result)
    for options in ([], ["--no-follow"]):
        status, out, err = harness.call([bench.cli, "run", *options, "--", *target])
        demand((status, out) == (0, "done\n"), err)


def fork_in_join(bench):
    """The child returns from the join, too. It does not take the thread that it has created for the joined one."""
    preload = f"{bench.shim}:{bench.target('libfork_in_join.so')}"
    status, _, err = harness.call([bench.target("fork_in_join")], env=bench.environment(LD_PRELOAD=preload, THREADLEAK_OPTIONS="grace_ms=0"))
    demand(status == 0 and err.count("leaked: 1 unjoined. ") == 1 and "created 1, joined 0, detached 0, peak 1." in err, f"{status} {err}")


# ---- small stacks -----------------------------------------------------------------------

STACK_BYTES = 512  # what a hook may need more than the real function


def stack_use(bench):
    """On a nearly full stack, what works without the shim works with it."""
    def used(argv, **more):
        status, out, err = harness.call(argv, **more)
        demand(status == 0 and err == "", (status, err))
        return {what: int(number) for what, number in (line.rsplit(" ", 1) for line in out.splitlines())}
    target = bench.target("stack_use")
    bare = used([target], env=bench.env)
    for name, now in (("shim", used([target], env=dict(bench.env, LD_PRELOAD=bench.shim))),
                      ("run", used([bench.cli, "run", "--", target]))):
        more = {what: now[what] - bare[what] for what in bare if now[what] - bare[what] > STACK_BYTES}
        demand(not more, f"{name}: {more} bytes more than without")


def exit_in_a_small_handler(bench):
    """_exit() does not overflow the alternate stack of a handler."""
    target = [bench.target("exit_in_small_handler")]
    for env in (bench.env, dict(bench.env, LD_PRELOAD=bench.shim)):
        result = harness.call(target, env=env)
        demand(result == (5, "", ""), result)


def dump_in_a_small_handler(bench):
    """Neither does the dump signal, with the reporter or without."""
    alone = harness.copy(bench.shim, bench.tmp)
    for shim in (bench.shim, alone):
        status, _, err = harness.call([bench.target("dump_in_small_handler")], env=dict(bench.env, LD_PRELOAD=shim))
        demand(status == 5 and "running" in err, (status, err))


def dump_in_a_cancelled_thread(bench):
    """The thread does not take with it what makes the next report."""
    status, _, err = harness.call([bench.target("dump_cancelled")], env=dict(bench.env, LD_PRELOAD=bench.shim))
    demand(status == 0 and "no created threads alive" in err.partition("joined\n")[2], (status, err))


def alternate_stack_above(bench):
    """Hooks of a handler above the interrupted frame do not take it for one that was left: later children
    still have whole stacks."""
    code, _, report = bench.json([bench.target("alternate_stack_above")], ["--judge=_exit"])
    frames = [len(leak["creation_stack"]) for process in report["processes"] for leak in process["leaks"]]
    demand(code == 66 and frames and min(frames) > 2, (code, frames))


def handler_in_first_creation(bench):
    """No handler of the program runs on a stack of the shim."""
    target = [bench.target("handler_in_first_creation")]
    result = harness.call(target, env=dict(bench.env, LD_PRELOAD=bench.shim))
    demand(result == (0, "signals\n", ""), result)


def first_creators(bench):
    """Threads that create the first thread of a process at the same time are all recorded."""
    env = dict(bench.env, LD_PRELOAD=bench.shim, THREADLEAK_OPTIONS="grace_ms=0:stacks=0")
    for _ in range(40):
        _, _, err = harness.call([bench.target("first_creators")], env=env)
        demand("created 4," in err, err)


# ---- the start ----------------------------------------------------------------------------

def nothing_before_the_first_thread(bench):
    """A process without threads has no unwinder and no ledger, and its children neither."""
    script = ("import os\n"
              "if os.fork() == 0: os._exit('libunwind' in open('/proc/self/maps').read())\n"
              "status = os.wait()[1]\n"
              "maps = open('/proc/self/maps').read()\n"
              "print(status, 'libthreadleak.so' in maps, 'libunwind' in maps, 'memfd:threadleak' in maps)\n"
              "import threading\n"
              "t = threading.Thread(target=lambda: None); t.start(); t.join()\n"
              "print('memfd:threadleak' in open('/proc/self/maps').read())\n")
    result = harness.call([sys.executable, "-c", script], env=dict(bench.env, LD_PRELOAD=bench.shim))
    demand(result == (0, "0 True False False\nTrue\n", ""), result)


def no_memory_at_the_start(bench):
    """A failed dlsym would allocate memory."""
    target = [bench.target("heap")]
    bare = harness.call(target, env=bench.env)
    for argv, env in ((target, dict(bench.env, LD_PRELOAD=bench.shim)),
                      ([bench.cli, "run", "-q", "--", *target], bench.env)):
        demand(harness.call(argv, env=env)[:2] == bare[:2], (argv, bare))


def path_of_a_deleted_program(bench):
    """It is read at the first creation, and is what it was at the start."""
    copy = bench.path("python with a name of its own")
    harness.copy(os.path.realpath(sys.executable), copy)
    script = ("import os, threading\n"
              f"os.unlink({copy!r})\n"
              "threading.Thread(target=threading.Event().wait, daemon=True).start()\n"
              "os._exit(0)\n")
    home = {"PYTHONHOME": sys.base_prefix}
    env = dict(bench.env, LD_PRELOAD=bench.shim, THREADLEAK_OPTIONS="judge=_exit", **home)
    status, _, err = harness.call([copy, "-c", script], env=env)
    demand(status == 0 and os.path.basename(copy) in err and "(deleted)" not in err, (status, err))


def whole_stacks_in_forked_children(bench):
    """The child of a process without threads loads the unwinder at its first thread."""
    script = ("import os, threading\n"
              "if os.fork() == 0:\n"
              "    threading.Thread(target=threading.Event().wait, daemon=True).start()\n"
              "    os._exit(0)\n"
              "os.wait()\n")
    code, _, report = bench.json([sys.executable, "-c", script], ["--judge=_exit"])
    frames = [frame["function"] for process in report["processes"] for leak in process["leaks"]
              for frame in leak["creation_stack"]]
    demand(code == 66 and len(frames) > 3, (code, frames))


# ---- the dump signal --------------------------------------------------------------------

def many_dumps(bench):
    """A thread is kept by one report at a time: between two it gets on with its work."""
    err = open(bench.path("err"), "wb")
    process = start_target(bench, "many_dumps", watched=True, stderr=err)

    def reports():
        with open(bench.path("err"), "rb") as file:
            return file.read().count(b"every thread:")

    def all_work(before):
        return all(later > earlier for later, earlier in zip(ask(process), before))
    before = ask(process)
    for _ in range(60):
        process.send_signal(signal.SIGQUIT)
        time.sleep(0.025)
    made = reports()
    wait_until(lambda: reports() > 0 and all_work(before))
    # One was being made, and those who asked meanwhile share one more. A thread that was stopped for a report takes the
    # last signal later, perhaps.
    demand(1 <= reports() <= made + 3, f"{made} reports when the last was asked for, then {reports()}")
    # Whoever asked last gets a report of the time after that.
    last = reports()
    process.send_signal(signal.SIGQUIT)
    wait_until(lambda: reports() > last)
    before = ask(process)
    wait_until(lambda: all_work(before))
    process.stdin.close()
    demand(process.wait(TIMEOUT_S) == 0, f"status {process.returncode}")


def dump_of_all_who_asked(bench):
    """A signal that another thread took while a report was made brings one more, not none."""
    err = open(bench.path("err"), "wb")
    process = start_target(bench, "many_dumps", watched=True, stderr=err)

    def reports():
        with open(bench.path("err"), "rb") as file:
            return file.read().count(b"every thread:")
    process.send_signal(signal.SIGQUIT)
    wait_until(lambda: reports() or harness.child_of(process.pid))
    process.send_signal(signal.SIGQUIT)
    wait_until(lambda: reports() == 2)
    process.stdin.close()
    demand(process.wait(TIMEOUT_S) == 0, f"status {process.returncode}")


def dump_hidden(bench):
    """No function shows the handler, and a child without threads dies of the signal."""
    for shim, handler in (("", "none"), (bench.shim, "handler")):
        done = harness.call([bench.target("dump_hidden")], env=bench.environment(LD_PRELOAD=shim))
        demand(done == (0, handler + "\n", ""), done)


# ---- what the shim takes -----------------------------------------------------------------

def shims(bench):
    """The shim, and the one that works as with a glibc before 2.35."""
    for shim in bench.shim, os.path.join(bench.build, "old_glibc", "libthreadleak.so"):
        demand(os.path.exists(shim), f"{shim} is not built: run make check")
        yield shim


def fork_in_the_loader(bench):
    """No path of the shim takes a lock of the loader: a thread that holds it does not exist in the child."""
    for shim in shims(bench):
        for how in [], ["unseen"]:
            status, _, err = harness.call([bench.target("fork_in_loader"), *how], env=bench.environment(LD_PRELOAD=shim))
            demand(status == 0 and not err, f"{shim}: {how}: status {status}: {err}")


def waits_for_a_thread_of_libc(bench):
    """Such a thread needs no lock of the loader, which another thread can hold for it. With a glibc before 2.35 it does."""
    for watched in {}, {"LD_PRELOAD": bench.shim}, {"LD_PRELOAD": bench.shim, "LD_BIND_NOW": "1"}:
        status, _, err = harness.call([bench.target("loader_waits")], env=bench.environment(**watched))
        demand(status == 0 and not err, f"{watched}: status {status}: {err}")


def creators_that_end(bench):
    """libunwind's cache of a thread, 256 KiB and more, is freed when the thread ends."""
    status, out, err = harness.call([bench.target("creators_end")], env=bench.environment(LD_PRELOAD=bench.shim))
    demand(status == 0 and int(out) < 20 * 256, f"status {status}: {out} KiB for 200 threads: {err}")


def creations_with_little_stack(bench):
    """The stack does not overflow in the unwinder, and not when a new module is recorded."""
    for shim in "", *shims(bench):
        done = harness.call([bench.target("little_stack")], env=bench.environment(LD_PRELOAD=shim))
        demand(done == (0, "", ""), f"{shim}: {done}")


def programs_that_use_libunwind(bench):
    """It opens files and lists modules for the program, as without the shim."""
    target = bench.target("uses_libunwind")
    bare = harness.call([target])
    if bare[0] == 77:
        raise Skip(bare[2])
    demand(bare[0] == 0 and "after: main" in bare[1], f"{bare}")
    for shim in shims(bench):
        watched = harness.call([target], env=bench.environment(LD_PRELOAD=shim))
        demand(watched == bare, f"{shim}: {watched}, not {bare}")


def children_are_taken(bench):
    """Also the one that the shim waits for. It is known nevertheless that the report was written."""
    env = bench.environment(LD_PRELOAD=bench.shim, THREADLEAK_OPTIONS="signal=USR2")
    code, out, err = harness.call([bench.target("takes_children")], env=env)
    demand((code, out) == (0, "") and err.count("(pid ") == 5 and "without lines" not in err, f"{code}: {err}")


def children_are_ignored(bench):
    """The kernel would forget the reporter's exit status, and the raw report would follow its report."""
    script = "import os, signal, sys\nsignal.signal(signal.SIGCHLD, signal.SIG_IGN)\nos.execv(sys.argv[1], sys.argv[1:])\n"
    _, _, err = harness.call([sys.executable, "-c", script, bench.target("running")],
                             env=bench.environment(LD_PRELOAD=bench.shim))
    demand("3 leaked threads at" in err and "without lines" not in err, err)


def keys_of_a_child(bench):
    """Also if the fork is while the shim takes all keys up to its own."""
    preload = f"{bench.shim}:{bench.target('libfork_in_keys.so')}"
    code, out, err = harness.call([bench.target("unjoined")], env=bench.environment(LD_PRELOAD=preload))
    demand((code, out) == (0, "") and "leaked: 3 unjoined" in err and "gets key" not in err, f"{code}: {err}")


def environment_that_is_unreadable(bench):
    """The reporter gets the rest of it."""
    env = bench.environment(LD_PRELOAD=bench.shim, THREADLEAK_OPTIONS="signal=USR2")
    code, out, err = harness.call([bench.target("environment_unreadable")], env=env)
    demand((code, out) == (0, "") and err.count("(pid ") == 2 and "without lines" not in err, f"{code}: {err}")


def sandboxes_by_syscall(bench):
    """libc has no function for seccomp(2)."""
    for how in "syscall", "privileged":
        code, out, err = harness.call([bench.target("seccomp_filter"), how], env=bench.environment(LD_PRELOAD=bench.shim))
        if code == 77:
            raise Skip("no seccomp here")
        demand((code, out) == (0, "in the sandbox\n") and "running x1" in err, f"{how}: {code} {out}{err}")


# ---- other users ---------------------------------------------------------------------------

DROP = ("import os, sys\nos.setgroups([])\nos.setresgid(65534, 65534, 65534)\nos.setresuid(65534, 65534, 65534)\n")


def forks_in_a_sandbox(bench):
    """A filter can kill for the system calls by which a child leaves the ledger of its parent, or refuse one by
    which the handler of the dump signal acts as the default."""
    for env, mode in itertools.product((bench.env, bench.environment(LD_PRELOAD=bench.shim)), ("strict", "quit")):
        result = harness.call([bench.target("sandbox_forks"), mode], env=env)
        if result[0] == 77:
            raise harness.Skip("no seccomp here")
        demand(result == (0, "", ""), result)


def creations_in_a_sandbox(bench):
    """libunwind asks mincore(2) whether a stack is readable. The shim answers in its place."""
    target = bench.target("sandbox_without_mincore")
    for env in (bench.env, dict(bench.env, LD_PRELOAD=bench.shim)):
        result = harness.call([target], env=env)
        if result[0] == 77:
            raise harness.Skip("no seccomp here")
        demand(result == (0, "", ""), result)


def readable_copy(bench, *names):
    """nobody must be able to get at them, wherever the build is."""
    for name in names:
        os.unlink(bench.path(name)) if os.path.lexists(bench.path(name)) else None
        harness.copy(bench.target(name), bench.path(name))
        os.chmod(bench.path(name), 0o755)


def program_of_another_user(bench):
    """gosu, setpriv, su: the program that is run at last is watched."""
    need_root()
    readable_copy(bench, "running", "clean")
    argv = [sys.executable, "-c", DROP + "os.execv(sys.argv[1], sys.argv[1:])"]
    code, _, report = bench.json([*argv, "./running"])
    process = report["processes"][-1]
    demand(code == 66 and report["summary"]["leaked_threads"] == 3, f"status {code}: {bench.err}")
    demand({thread["stack_source"] for thread in threads_of(process)} == {"ptrace"}, process["stacks_note"])
    bench.demand_said([*argv, "./clean"])


def child_of_another_user(bench):
    """Made after the change: it has no way to the run's directory."""
    need_root()
    readable_copy(bench, "running", "static_program")
    code, _, report = bench.json([sys.executable, "-c", DROP + "if os.fork() == 0: os.execv('./running', ['running'])\n"
                                  "os.wait()\n"])
    demand(code == 66 and report["summary"]["leaked_threads"] == 3, f"status {code}: {bench.err}")
    bench.demand_said([sys.executable, "-c", DROP + "if os.fork() == 0: os.execv('./static_program', ['x'])\nos.wait()\n"],
                      tree_bench.one("./static_program", "static"))


def start_run(bench):
    """A run that lasts until its standard input ends; its socket's address and its directory."""
    noted = bench.path("directory")
    script = ("import os, sys\n"
              f"open('{noted}.new', 'w').write(os.environ['THREADLEAK_RUN_DIR'])\nos.rename('{noted}.new', '{noted}')\n"
              "sys.stdin.read()\n")
    process = bench.start([bench.cli, "run", "--", sys.executable, "-c", script], piped=True)
    wait_until(lambda: os.path.exists(noted))
    with open(noted, encoding="ascii") as file:
        directory = file.read()
    return process, address_of(directory), directory


def address_of(directory):
    name = 0xcbf29ce484222325
    for byte in directory.encode():
        name = (name ^ byte) * 0x100000001b3 % 2**64
    return "\0threadleak-%016x" % name


def end_run(process):
    process.stdin.close()
    demand(process.wait(TIMEOUT_S) == 0, f"status {process.returncode}")


ASK = ("import os, socket, struct, sys\n"
       "client = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)\n"
       "client.connect('\\0' + sys.argv[1])\n"
       "try:\n"
       "    client.send(struct.pack('=Ii', int(sys.argv[2]), os.getpid()))\n"
       "    sys.exit(client.recv(16) != b'')\n"
       "except (ConnectionResetError, BrokenPipeError):\n"
       "    sys.exit(0)\n")


def other_processes_get_no_answer(bench):
    """A process that is not of the run asks in vain; so does another user's that says it is."""
    process, address, directory = start_run(bench)
    nobody = harness.as_nobody() if os.getuid() == 0 else None
    for what in ("1", "2", "3"):
        ask_it = ["/usr/bin/python3", "-c", ASK, address[1:], what]
        demand(subprocess.run(ask_it, check=False).returncode == 0, f"answered {what}")
        if nobody:
            done = subprocess.run([*nobody, *ask_it], env=bench.environment(THREADLEAK_RUN_DIR=directory), check=False)
            demand(done.returncode == 0, f"answered {what} for what anybody can write into his environment")
    end_run(process)


def other_processes_do_not_block_it(bench):
    process, address, _ = start_run(bench)
    idle = [socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) for _ in range(40)]
    for client in idle:
        client.connect(address)
    began = time.monotonic()
    end_run(process)
    # 2 s for all of them: one after the other they would take 80.
    demand(time.monotonic() - began < 60, f"ended after {time.monotonic() - began} s")


def impostors_are_not_asked(bench):
    """When the run is over its socket's name is free; root takes nothing from another user."""
    need_root()
    readable_copy(bench, "spawn")
    directory = bench.path("gone")
    listen = ("import socket, sys\n"
              "server = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)\n"
              "server.bind('\\0' + sys.argv[1])\nserver.listen()\nprint('ready', flush=True)\n"
              "client = server.accept()[0]\nprint(client.recv(64), flush=True)\n")
    server = bench.start([*harness.as_nobody(), "/usr/bin/python3", "-c", listen, address_of(directory)[1:]], piped=True)
    demand(server.stdout.readline() == b"ready\n", "not ready")
    env = bench.environment(LD_PRELOAD=bench.shim, THREADLEAK_RUN_DIR=directory)
    subprocess.run([bench.target("spawn")], env=env, stdout=subprocess.DEVNULL,
                   stderr=subprocess.DEVNULL, timeout=TIMEOUT_S, check=False)
    demand(server.stdout.readline() == b"b''\n", "it was asked")


def mask_of_nothing(bench):
    """umask 0777, and not root: what is written in the run's directory can be read there."""
    need_root()
    readable_copy(bench, "running", "static_program")
    os.chmod(bench.tmp, 0o777)
    script = "umask 0777; ./running; ./static_program; ./static_program; true"
    status, _, err = harness.call([*harness.as_nobody(), bench.cli, "run", "--", "sh", "-c", script], cwd=bench.tmp,
                                  env=bench.env, stdout=subprocess.DEVNULL)
    demand(status == 66 and "3 leaked threads" in err and "now in" in err, f"status {status}: {err}")
    demand("./static_program ×2 (static)" in err and "missing" not in err, err)


def two_directories_are_reported(bench):
    """getenv takes the first of two variables of one name: that program is the inner run's, or nobody's."""
    script = ("import ctypes, os\nlibc = ctypes.CDLL(None)\n"
              "both = ['THREADLEAK_RUN_DIR=/nowhere', 'THREADLEAK_RUN_DIR=' + os.environ['THREADLEAK_RUN_DIR']]\n"
              "texts = [b'LD_PRELOAD=' + os.environb[b'LD_PRELOAD'], *map(str.encode, both)]\n"
              "if os.fork() == 0: libc.execve(b'./no_thread', (ctypes.c_char_p * 2)(b'x', None), (ctypes.c_char_p * 4)(*texts, None))\n"
              "os.wait()\n")
    bench.demand_said([sys.executable, "-c", script])


def memory_of_who_locked_its(bench):
    """mlockall makes the ledger smaller; what the program puts in its place then is a forked child's as well."""
    env = bench.environment(LD_PRELOAD=bench.shim)
    status, _, err = harness.call([bench.target("locked_memory")], env=env)
    demand(status == 0, f"status {status}: {err}")


def descriptor_2_of_the_program(bench):
    """With the reporter, and without it: the raw report."""
    for shim in bench.shim, harness.copy(bench.shim, bench.tmp):
        result = harness.call([bench.target("stderr_replaced")], env=bench.environment(LD_PRELOAD=shim))
        demand(result == (0, "", ""), result)


def warning_that_nobody_reads(bench):
    result = harness.call([bench.target("stderr_broken")], env=bench.environment(LD_PRELOAD=bench.shim))
    demand(result == (0, "", ""), result)


def log_that_nobody_reads(bench):
    """A fifo: the program's end does not wait for a reader, and the report is not lost."""
    os.mkfifo(bench.path("log"))
    env = bench.environment(LD_PRELOAD=bench.shim, THREADLEAK_OPTIONS=f"stacks=0:log_path={bench.path('log')}")
    status, _, err = harness.call([bench.target("running")], env=env)
    demand(status == 0 and "cannot be opened: " in err and "3 leaked threads" in err, f"{status}: {err}")
    # Nor does the shim's own report, where there is no reporter.
    env["LD_PRELOAD"] = harness.copy(bench.shim, bench.path("libthreadleak.so"))
    status, _, err = harness.call([bench.target("running")], env=env)
    demand(status == 0 and "without lines: the threadleak program" in err, f"{status}: {err}")


def full_pipe_that_nobody_reads(bench):
    """The shim's own report gives up. It leaves the flags of the program's descriptor as they are."""
    read, write = os.pipe()
    os.write(write, b"x" * fcntl.fcntl(write, fcntl.F_SETPIPE_SZ, 4096))
    env = bench.environment(LD_PRELOAD=harness.copy(bench.shim, bench.path("libthreadleak.so")))
    done = subprocess.run([bench.target("running")], env=env, stdout=subprocess.DEVNULL, stderr=write, timeout=TIMEOUT_S, check=False)
    demand(done.returncode == 0, f"status {done.returncode}")
    demand(os.get_blocking(write), "its flags were changed")
    os.close(read)
    os.close(write)


def log_that_is_full(bench):
    """What cannot be written there is not lost."""
    size = 16 << 20
    with open(bench.path("log"), "wb") as file:
        file.truncate(size)
    for log, why, before in (("/dev/full", "No space left on device", None),
                             (bench.path("log"), "File too large", lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (size, size)))):
        env = bench.environment(LD_PRELOAD=bench.shim, THREADLEAK_OPTIONS=f"stacks=0:log_path={log}")
        status, _, err = harness.call([bench.target("running")], env=env, preexec_fn=before)
        demand(status == 0 and f"{log}: could not be written: {why}" in err and "3 leaked threads" in err, f"{status}: {err}")


# ---- other tracers -----------------------------------------------------------------------------

def reports_take_turns(bench):
    process = start_target(bench, "waits", "stay", watched=True)
    for _ in range(6):
        reports = [subprocess.Popen([bench.cli, "report", "--format=json", str(process.pid)], stdout=subprocess.PIPE)
                   for _ in range(3)]  # each waits three seconds for its turn
        for report in reports:
            reported = json.loads(report.communicate(timeout=TIMEOUT_S)[0])["processes"][0]
            sources = {thread["stack_source"] for thread in threads_of(reported)}
            demand(sources == {"ptrace"} and reported["stacks_note"] is None, f"{sources}, {reported['stacks_note']}")


def under_a_debugger(bench):
    """No signal is sent that it would stop at."""
    process = start_target(bench, "waits", "stay", watched=True)
    gdb = bench.start([need("gdb"), "-q", "-nx", "-p", str(process.pid), "-ex", "echo attached\\n", "-ex", "continue"],
                      piped=True)
    lines = []
    while not lines or lines[-1] != b"Continuing.\n":
        lines.append(gdb.stdout.readline())
        demand(lines[-1], f"gdb: {b''.join(lines)}")
    harness.wait_until_asleep(process.pid)
    report = report_of(bench, process.pid)
    demand(re.fullmatch(rf"none: gdb \(pid \d+\) traces process {process.pid}", report["stacks_note"] or ""),
           report["stacks_note"])
    process.stdin.close()
    demand(process.wait(TIMEOUT_S) == 0, f"status {process.returncode}")
    out = gdb.communicate(timeout=TIMEOUT_S)[0]
    demand(b"exited normally" in out and b"SIG63" not in out and b"Real-time" not in out, out.decode())


def permission_to_trace(bench):
    """The tracer that the program has set is allowed again after a report."""
    env = bench.environment(THREADLEAK_OPTIONS="log_path=/dev/null")
    status, out, err = harness.call([bench.target("ptracer_kept"), bench.shim], env=env, timeout=TIMEOUT_S)
    if status == 77:
        raise Skip(err)
    demand((status, out.split(), err) == (0, ["4242", "any", "0", "4242", "any", "0"], ""), f"{status}: {out}{err}")


def debuggers_see_no_reporter(bench):
    """They take it neither for a thread of the program, nor for a child that they are to follow."""
    gdb = [need("gdb"), "-q", "-nx", "-batch", "-ex", f"set environment LD_PRELOAD {bench.shim}",
           "-ex", "set follow-fork-mode child", "-ex", "run", "--args", bench.target("running")]
    _, out, err = harness.call(gdb, timeout=TIMEOUT_S)
    demand("3 leaked threads at" in out + err, out + err)
    demand(out.count("[New Thread ") == 3 and "[Attaching after" not in out and "[Inferior 2 " not in out, out)


# ---- still there ----------------------------------------------------------------------------------

def daemon_without_a_thread(bench):
    script = "import ctypes, sys, time\nctypes.CDLL(None).daemon(1, 0)\nopen('pid', 'w').write(str(__import__('os').getpid()))\ntime.sleep(1000)\n"
    for _ in range(5):
        try:
            bench.demand_said([sys.executable, "-c", script],
                              r"1 process still alive, not judged: \S+ \(pid (\d+)\); see 'threadleak report \1'")
            pid = re.search(r"pid (\d+)", bench.err).group(1)
            wait_until(lambda: os.path.exists(bench.path("pid")) and open(bench.path("pid"), encoding="ascii").read() == pid)
        finally:
            wait_until(lambda: os.path.exists(bench.path("pid")))
            with open(bench.path("pid"), encoding="ascii") as file:
                os.kill(int(file.read()), signal.SIGKILL)
            os.unlink(bench.path("pid"))


def malloc_that_begins_once(bench):
    """jemalloc registers its fork handlers twice if it is called while it begins. Then the next fork never returns."""
    bench.demand_said([bench.target("own_malloc")])


def arguments_that_are_unmapped(bench):
    """By the new thread, before its creation has returned: on one CPU it often is."""
    for _ in range(3):
        done = subprocess.run(["taskset", "-c", str(min(os.sched_getaffinity(0))), bench.target("argument_unmapped")],
                              env=bench.environment(LD_PRELOAD=bench.shim), text=True, stdout=subprocess.PIPE,
                              timeout=harness.TIMEOUT_S)
        demand((done.returncode, done.stdout) == (0, "done\n"), f"status {done.returncode}")


def name_of_a_thread_that_ends(bench):
    """The shim does not read the memory of a thread that was only alive when the program named it."""
    library = bench.target("libsetname.so")
    for preload in library, f"{bench.shim} {library}":
        result = harness.call([bench.target("named_at_its_end")], env=bench.environment(LD_PRELOAD=preload))
        demand(result == (0, "", ""), f"{preload}: {result}")
    result = harness.call([bench.target("setname_long")], env=bench.environment(LD_PRELOAD=bench.shim))
    demand(result == (0, "", ""), result)


TESTS = [arguments_that_are_unmapped, name_of_a_thread_that_ends, stack_use, exit_in_a_small_handler, dump_in_a_small_handler, dump_in_a_cancelled_thread, alternate_stack_above, handler_in_first_creation, first_creators,
         nothing_before_the_first_thread, no_memory_at_the_start,
         path_of_a_deleted_program, whole_stacks_in_forked_children,
         fork_in_hook, fork_in_join, malloc_that_begins_once, many_dumps, dump_of_all_who_asked, dump_hidden, fork_in_the_loader, waits_for_a_thread_of_libc,
         creators_that_end,
         sandboxes_by_syscall, children_are_taken, children_are_ignored, keys_of_a_child, environment_that_is_unreadable, creations_with_little_stack, programs_that_use_libunwind, creations_in_a_sandbox, forks_in_a_sandbox, program_of_another_user, child_of_another_user,
         other_processes_get_no_answer, other_processes_do_not_block_it, impostors_are_not_asked, mask_of_nothing,
         two_directories_are_reported, memory_of_who_locked_its, descriptor_2_of_the_program, warning_that_nobody_reads, log_that_nobody_reads, full_pipe_that_nobody_reads, log_that_is_full, reports_take_turns,
         under_a_debugger, permission_to_trace, debuggers_see_no_reporter, daemon_without_a_thread]

if __name__ == "__main__":
    sys.exit(harness.main(TESTS, tree_bench.Bench))
