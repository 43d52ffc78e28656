#!/usr/bin/env python3
"""`threadleak run` of a program that attacks it: it does not hang, and reads and keeps a bounded amount.

  tests/e2e/run_hostile.py [--build DIR] [NAME...]
"""
import contextlib
import os
import re
import signal
import sys

import harness
from harness import demand, need, need_root, threads_of, wait_until
from tree_bench import Bench

STACKS, LEDGER, EXECS = 1, 2, 3  # LEDGER_RUN_* of src/common/run_protocol.h
CLIENT = """
import array, os, socket, struct, sys, threading, time
directory = os.environ['THREADLEAK_RUN_DIR']
thread = threading.Thread(target=int)  # with it the ledger begins
thread.start()
thread.join()

def fnv(text):
    value = 0xcbf29ce484222325
    for byte in text.encode():
        value = (value ^ byte) * 0x100000001b3 % 2 ** 64
    return value

def connect():
    client = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    client.settimeout(60)
    client.connect('\\0threadleak-%016x' % fnv(directory))
    return client

def ask(what, client=None, more=b'', descriptors=()):
    client = client or connect()
    client.sendmsg([struct.pack('I', what) + more],
                   [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array('i', descriptors))] if descriptors else [])
    data, control, _, _ = client.recvmsg(1, socket.CMSG_SPACE(4))
    client.close()
    for _, _, received in control:
        os.close(struct.unpack('i', received[:4])[0])
    return data, len(control)

def ledgers():
    return sorted(name for name in os.listdir(directory) if name.startswith('ledger.'))
"""


def attack(bench, script, options=(), around=(), env=None):
    """Runs a program that does this; its status, and what run printed."""
    bench.write("attack.py", CLIENT + script)
    return bench.run([sys.executable, "attack.py"], options, env, around)


def silent_clients(bench):
    """Thousands of clients send nothing or half a request. run serves others meanwhile, and ends when COMMAND does."""
    code, printed = attack(bench, """
import resource
most = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
silent = []
for n in range(min(3000, most - 100)):
    client = connect()
    if n % 3 == 1:
        client.send(b'x')
    if n % 3 == 2:
        client.close()
    silent.append(client)
sys.exit(ask(3) != (b'\\1', 1))
""")
    demand(code == 0 and not printed, f"{code} {printed} {bench.err}")


def silent_for_ever(bench):
    """One client that keeps its connection, and a long list of others behind it."""
    code, printed = attack(bench, """
first = connect()
answers = [ask(3) for _ in range(200)]
sys.exit(answers != [(b'\\1', 1)] * 200)
""")
    demand(code == 0 and not printed, f"{code} {printed} {bench.err}")


def wrong_requests(bench):
    """Too long, too short, unknown: no answer, and the next one is served."""
    code, printed = attack(bench, """
wrong = [ask(2, more=b'\\0\\0\\0\\1'), ask(2, more=b'x' * 100000), ask(99)]
client = connect()
client.send(b'\\2')
sys.exit((wrong, client.recv(1), ask(3)) != ([(b'', 0), (b'', 0), (b'\\0', 0)], b'', (b'\\1', 1)))
""")
    demand(code == 0 and not printed, f"{code} {printed} {bench.err}")


def pid_is_the_kernels(bench):
    """The name of a ledger has the pid of the sender, whatever the request contains."""
    code, printed = attack(bench, """
before = ledgers()
good = ask(2) == (b'\\1', 1)
new = [name for name in ledgers() if name not in before]
sys.exit(not good or len(new) != 1 or new[0].split('.')[1] != str(os.getpid()))
""")
    demand(code == 0, f"{code} {printed} {bench.err}")


def descriptors(bench):
    """run does not keep what clients send along."""
    code, printed = attack(bench, """
def count():
    return len(os.listdir(f'/proc/{os.getppid()}/fd'))
before = count()
for _ in range(300):
    ask(3, descriptors=[0] * 100)
sys.exit(count() > before + 2)
""")
    demand(code == 0 and not printed, f"{code} {printed} {bench.err}")


def other_files_in_the_directory(bench):
    """FIFOs, links and devices under the names that run reads."""
    code, printed = attack(bench, """
own = ledgers()[0][len('ledger.'):]
for name in ('stacks.' + own, 'ledger.4194000.0', 'execs'):
    path = os.path.join(directory, name)
    if os.path.exists(path):
        os.unlink(path)
    os.mkfifo(path)
os.symlink('/dev/zero', os.path.join(directory, 'ledger.4194001.0'))
os.symlink('/dev/zero', os.path.join(directory, 'stacks.4194001.0'))
os.mkdir(os.path.join(directory, 'ledger.4194002.0'))
os.mkfifo(os.path.join(directory, 'began.4194003.1.1'))
for name in ('began.', 'began.1', 'began.1.2.3.4', 'began.-1.2.3', 'began.99999999999999999999.9.9', 'began.x'):
    os.symlink('/dev/zero', os.path.join(directory, name))
sys.exit(7)
""")
    demand(code == 7 and len([line for line in printed if "missing from the report" in line]) == 3, f"{code} {printed}")


def large_files(bench):
    """3 GB of records of execs, and of stacks: run has 1 GB."""
    around = [need("prlimit"), "--as=1000000000"]
    code, printed = attack(bench, """
own = ledgers()[0][len('ledger.'):]
os.truncate(os.open(os.path.join(directory, 'execs'), os.O_RDWR | os.O_CREAT, 0o600), 3 << 30)
os.truncate(os.open(os.path.join(directory, 'stacks.' + own), os.O_RDWR | os.O_CREAT, 0o600), 3 << 30)
""", ["-v"], around)
    demand(code == 0 and any("list of programs" in line for line in printed) and "out of memory" not in bench.err, f"{code} {printed}")


def namespaces(bench):
    """Two processes with the same pid, each in a namespace of its own and another user's: both are reported, with stacks."""
    need_root()
    own = [need("unshare"), "--pid", "--fork", "--mount-proc"]
    if harness.call([*own, "true"])[0] != 0:
        raise harness.Skip("no pid namespace can be made here")
    inner = " ".join([*own, *harness.as_nobody(), "./running"])
    # Its programs must be reachable for that user.
    os.chmod(bench.tmp, 0o755)
    for watched in (inner, " ".join([*own, "./running"])):
        code, _, report = bench.json(["sh", "-c", f"{watched}; {watched}; true"])
        leaks = [len(threads_of(process)) for process in report["processes"] if process["leaks"]]
        sources = {thread["stack_source"] for process in report["processes"] for thread in threads_of(process)}
        demand(code == 66 and leaks == [3, 3] and "none" not in sources, f"{watched}: {code} {leaks} {sources} {bench.err}")


def limited(bench, command, ready):
    """Status and report of a run with a time limit, which finds a file of this name."""
    output = bench.path("report.json")

    def argv(seconds):
        with contextlib.suppress(FileNotFoundError):
            os.unlink(bench.path(ready))
        return [bench.cli, "run", "--format=json", "-o", output, f"--timeout={seconds}", "--", *command]
    status, _ = harness.limited(argv, lambda _: os.path.exists(bench.path(ready)), 1, env=bench.env, cwd=bench.tmp)
    return status, harness.read_json(output)


def namespace_at_timeout(bench):
    """The process is named by its pid here, and once."""
    need_root()
    own = [need("unshare"), "--pid", "--fork", "--mount-proc"]
    if harness.call([*own, "true"])[0] != 0:
        raise harness.Skip("no pid namespace can be made here")
    script = "import threading, time\nthreading.Thread(target=time.sleep, args=(1000,)).start()\nopen('ready', 'w').close()\n"
    code, report = limited(bench, [*own, sys.executable, "-c", script], "ready")
    pids = [process["pid"] for process in report["processes"] if re.search("python", process["exe"] or "")]
    demand(code == 124 and len(pids) == 1 and pids[0] > 2, f"{code} {pids} {report}")


def large_environment(bench):
    """A daemon that declares 8 MiB of its memory to be its environment still belongs to the run: --timeout ends it."""
    script = '''
import ctypes, mmap, os, sys, threading, time
if os.fork():
    time.sleep(1000)
middle = os.getpid()
if os.fork():
    os._exit(0)
while os.getppid() == middle:
    time.sleep(0.01)
for fd in range(3): # the test waits for their end
    os.dup2(os.open('/dev/null', os.O_RDWR), fd)
memory = mmap.mmap(-1, 8 << 20, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
start = ctypes.addressof(ctypes.c_char.from_buffer(memory))
libc = ctypes.CDLL(None)
libc.sbrk.restype = ctypes.c_void_p
with open('/proc/self/stat') as file:
    stat = [0, 0, 0] + file.read().rsplit(') ')[1].split()
at = [int(stat[n]) for n in (26, 27, 45, 46, 47)] + [libc.sbrk(0)] + [int(stat[n]) for n in (28, 48, 49)]
layout = (ctypes.c_uint64 * 13)(*at, start, start + (8 << 20), 0, 0xffffffff << 32) # struct prctl_mm_map
if libc.prctl(35, ctypes.c_ulong(14), layout, ctypes.c_ulong(104), 0): # PR_SET_MM, PR_SET_MM_MAP
    open('refused', 'w').close()
with open('pid', 'w') as file:
    file.write(str(os.getpid()))
threading.Thread(target=time.sleep, args=(1000,)).start()
open('ready', 'w').close()
'''
    code, _ = limited(bench, [sys.executable, "-c", script], "ready")
    if os.path.exists(bench.path("refused")):
        raise harness.Skip("PR_SET_MM is refused here")
    demand(code == 124, code)
    with open(bench.path("pid"), encoding="ascii") as file:
        pid = int(file.read())
    try:
        wait_until(lambda: not os.path.exists(f"/proc/{pid}") or harness.state_of(pid) == "Z")
    except harness.Wrong:
        os.kill(pid, signal.SIGKILL)
        raise


TESTS = [silent_clients, silent_for_ever, wrong_requests, pid_is_the_kernels, descriptors, other_files_in_the_directory,
         large_files, namespaces, namespace_at_timeout, large_environment]

if __name__ == "__main__":
    sys.exit(harness.main(TESTS, Bench))
