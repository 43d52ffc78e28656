"""What the tests of rules, written or generated, share."""
import harness


class Bench(harness.Bench):
    def __init__(self, build):
        super().__init__(build)
        self.env.update(OMP_NUM_THREADS="3")

    def rules(self, *lines, name="rules.supp"):
        return self.write(name, "".join(line + "\n" for line in lines))

    def call(self, *argv, **env):
        return harness.call(argv, env=self.environment(**env), cwd=self.tmp, errors="replace")

    def run(self, target, *options, cli=None, **env):
        """Status, the report as JSON, what was printed."""
        output = self.path("report.json")
        status, _, err = self.call(cli or self.cli, "run", "--format=json", "-o", output, *options, "--",
                                   self.target(target), **env)
        return status, harness.read_json(output), err


def leaks(report):
    return [leak for process in report["processes"] for leak in process["leaks"]]


def suppressed(report):
    """Threads by rule."""
    counts = {}
    for leak in leaks(report):
        if leak["suppressed_by"]:
            counts[leak["suppressed_by"]] = counts.get(leak["suppressed_by"], 0) + leak["count"]
    return counts


ASYNC = """
#include <chrono>
#include <cstdlib>
#include <future>
#include <thread>
struct Other { void operator()() { for (;;) std::this_thread::sleep_for(std::chrono::seconds(1)); } };
static void stay() { for (;;) std::this_thread::sleep_for(std::chrono::seconds(1)); }
int main(int argc, char **)
{
    new std::thread(stay);
    if (argc > 1)
        new std::thread(Other());
    std::exit(0);
}
"""
