#include <getopt.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/common/cli.h"
#include "cli/common/command.h"
#include "cli/selftest/selftest.h"

static int sum_up(const struct selftest *test)
{
    if (test->failures) {
        printf("\n%u of %u checks failed: fix them: until then leaks can be missed here\n", test->failures,
               test->checks);
        return STATUS_CHECK_LEAKS;
    }
    if (test->notes)
        printf("\nall leaks were found; %u of %u checks came with a note\n", test->notes, test->checks);
    else
        printf("\nall leaks were found, all %u checks passed\n", test->checks);
    return STATUS_REPORTED;
}

/* ---- all of it ------------------------------------------------------------------------------ */

static int run_checks(struct selftest *test)
{
    test->exe = realpath("/proc/self/exe", NULL);
    if (!test->exe) {
        cli_message(
            "selftest: /proc/self/exe cannot be read: mount /proc, and do not move threadleak while it runs");
        return STATUS_CANNOT;
    }
    printf("threadleak " THREADLEAK_VERSION ", %s\n\n", test->exe);
    selftest_machine(test);
    selftest_planted(test);
    selftest_live(test);
    selftest_surroundings(test);
    return sum_up(test);
}

static int run(int argc, char **argv)
{
    struct selftest test = {.exe = NULL};
    enum command_parsed parsed = command_parse(&command_selftest, argc, argv, &test);
    if (parsed != COMMAND_PARSED)
        return command_parse_status(parsed);
    if (optind < argc) {
        cli_message("selftest: takes no argument; see 'threadleak help selftest'");
        return STATUS_CANNOT;
    }
    int status = run_checks(&test);
    free(test.exe);
    free(test.shim);
    return status;
}

static const struct command_option option_table[] = {
    {.name = "verbose",
     .letter = 'v',
     .set = command_set_flag,
     .offset = offsetof(struct selftest, verbose),
     .help = "print also the output of the planted programs, and their reports"},
    {.name = NULL},
};

const struct command command_selftest = {
    .name = "selftest",
    .summary = "check on this machine that planted leaks are found",
    .run = run,
    .usage = "[-v]",
    .about = "Leaks threads of each kind in a program of its own, and checks that they are\n"
             "found and named on this machine. Then checks what the machine allows.\n"
             "Prints one line for each check:\n"
             "\n"
             "  ok     works\n"
             "  note   works, with less detail\n"
             "  FAIL   leaks can be missed\n",
    .options = option_table,
    .after = "Exit status: 0 every leak was found; 1 something that threadleak needs does not\n"
             "work; 2 the test itself failed.\n"
             "\n"
             "  threadleak selftest && make check    in a CI job\n",
};
