"""pthread_cond_signal and sem_post without waiters: with the shim, and with its option wakes=1."""
from sample import Paired, by_turns
from table import ratio_row


def measure(table, programs, sizes):
    table.section("a notification, ns")
    argv = [programs.bench("bench"), "notify", str(sizes.notify)]
    for name, options in (("without waiters", "grace_ms=0"), ("the same, wakes=1", "grace_ms=0:wakes=1")):
        table.add(ratio_row(name, Paired(by_turns(sizes.few_rounds, lambda: programs.numbers(argv)[0], lambda options=options:
                                                  programs.numbers(argv, programs.with_shim(options))[0]))))
