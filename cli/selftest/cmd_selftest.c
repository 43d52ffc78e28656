#include <getopt.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/common/cli.h"
#include "cli/selftest/selftest.h"

static int sum_up(const struct selftest *test)
{
    if (test->failures) {
        printf("\n%u of %u checks failed: leaks can go unseen here until that is put right\n", test->failures,
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

static void print_help(void)
{
    fputs("usage: threadleak selftest [-v]\n"
          "\n"
          "Plants threads of each kind in a program of its own and looks whether they are found and named\n"
          "here, and what this machine lets threadleak do: one line each, with what to do about it.\n"
          "\n"
          "  ok     works\n"
          "  note   works, with less than there could be\n"
          "  FAIL   leaks can go unseen\n"
          "\n"
          "  -v, --verbose         also what the planted programs and their reports said\n"
          "\n"
          "Exit status: 0 every leak was found; 1 something that threadleak needs does not work; 2 the\n"
          "test itself could not be made.\n"
          "\n"
          "  threadleak selftest               in a CI job, before the tests: threadleak selftest && make "
          "check\n",
          stdout);
}

static int run_checks(struct selftest *test)
{
    test->exe = realpath("/proc/self/exe", NULL);
    if (!test->exe) {
        cli_message("selftest: /proc/self/exe cannot be read: /proc must be mounted, and threadleak still be "
                    "where it was started from");
        return STATUS_CANNOT;
    }
    printf("threadleak " THREADLEAK_VERSION ", %s\n\n", test->exe);
    selftest_machine(test);
    selftest_planted(test);
    selftest_live(test);
    selftest_surroundings(test);
    return sum_up(test);
}

int cmd_selftest(int argc, char **argv)
{
    static const struct option table[] = {
        {"verbose", no_argument, NULL, 'v'}, {"help", no_argument, NULL, 'h'}, {NULL, 0, NULL, 0}};
    struct selftest test = {.exe = NULL};
    optind = 1;
    opterr = 0;
    for (int option; (option = getopt_long(argc, argv, ":vh", table, NULL)) != -1;) {
        if (option == 'h') {
            print_help();
            return STATUS_REPORTED;
        }
        if (option != 'v') {
            cli_option_message("selftest", option, argv, table);
            return STATUS_CANNOT;
        }
        test.verbose = true;
    }
    if (optind < argc) {
        cli_message("selftest: takes no argument; 'threadleak help selftest'");
        return STATUS_CANNOT;
    }
    int status = run_checks(&test);
    free(test.exe);
    free(test.shim);
    return status;
}
