"""Numbers of runs by turns, and what follows from them."""
import statistics


def median(values):
    return statistics.median(values)


def half_interval(values):
    """Half of the 95 % interval of the median (McGill, Tukey, Larsen 1978); 0 for fewer than four values."""
    if len(values) < 4:
        return 0.0
    low, _, high = statistics.quantiles(values, n=4, method="inclusive")
    return 1.57 * (high - low) / len(values) ** 0.5


class Paired:
    """A number from each run, bare and with what is measured. Runs that follow each other make a pair, so a slow moment
    of the machine affects both."""

    def __init__(self, pairs):
        self.bare = [bare for bare, _ in pairs]
        self.other = [other for _, other in pairs]

    def ratios(self):
        return [other / bare for bare, other in zip(self.bare, self.other) if bare]

    def added(self):
        return [other - bare for bare, other in zip(self.bare, self.other)]


def by_turns(rounds, bare, other):
    """Calls both `rounds` times; the order changes each time, and the first pair is not counted."""
    pairs = []
    for turn in range(rounds + 1):
        if turn % 2:
            after = other()
            before = bare()
        else:
            before = bare()
            after = other()
        pairs.append((before, after))
    return pairs[1:]
