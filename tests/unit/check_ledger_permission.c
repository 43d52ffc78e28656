/* Who may read the ledger of a live process. */
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "ledger_child.h"
#include "suite.h"

#define NOBODY 65534

static void be_nobody(void)
{
    if (setgid(NOBODY) != 0 || setuid(NOBODY) != 0)
        _exit(9);
    prctl(PR_SET_DUMPABLE, 1);
}

static void hold_as_nobody(void)
{
    be_nobody();
    hold_memfd();
}

/* What ledger_open_process says to nobody: its status, and the text through `text`. */
static enum ledger_open_status ask_as_nobody(pid_t pid, char text[512])
{
    int ends[2], status;
    ck_assert_int_eq(pipe(ends), 0);
    pid_t asker = fork();
    if (asker == 0) {
        struct ledger *ledger;
        struct error error = {""};
        be_nobody();
        enum ledger_open_status result = ledger_open_process(pid, &ledger, &error);
        if (write(ends[1], error.text, sizeof(error.text)) < 0)
            _exit(9);
        _exit(result);
    }
    ck_assert_int_eq(read(ends[0], text, 512), 512);
    waitpid(asker, &status, 0);
    close(ends[0]);
    close(ends[1]);
    return (enum ledger_open_status)WEXITSTATUS(status);
}

START_TEST(permission_to_read)
{
    char text[512], expected[512];
    if (getuid() != 0) {
        skip("only root can be two users");
        return;
    }
    pid_t pid = ledger_child_start(hold_memfd);
    ck_assert_int_eq(ask_as_nobody(pid, text), LEDGER_OPEN_FAILED);
    snprintf(expected, sizeof(expected),
             "process %d: no permission to read it; run threadleak as its user or as root", (int)pid);
    ck_assert_msg(strncmp(text, expected, strlen(expected)) == 0, "%s", text);
    ledger_child_tear_down();

    /* One's own, without the capability that map_files asks for. */
    int scope = 0;
    FILE *yama = fopen("/proc/sys/kernel/yama/ptrace_scope", "r");
    if (yama && fscanf(yama, "%d", &scope) != 1)
        scope = 0;
    if (yama)
        fclose(yama);
    if (scope) {
        skip("ptrace_scope is %d", scope);
        return;
    }
    pid = ledger_child_start(hold_as_nobody);
    ck_assert_msg(ask_as_nobody(pid, text) == LEDGER_OPEN_OK, "%s", text);
}
END_TEST

START_TEST(pid_1_is_not_ours)
{
    struct ledger *ledger;
    struct error error = {""};
    if (getuid() == 0) {
        skip("root may read pid 1");
        return;
    }
    ck_assert_int_eq(ledger_open_process(1, &ledger, &error), LEDGER_OPEN_FAILED);
    ck_assert_ptr_nonnull(strstr(error.text, "process 1: no permission"));
}
END_TEST

int main(void)
{
    TCase *tests = tcase_create("ledger_permission");
    tcase_add_checked_fixture(tests, ledger_child_set_up, ledger_child_tear_down);
    tcase_add_test(tests, permission_to_read);
    tcase_add_test(tests, pid_1_is_not_ours);
    return suite_run("ledger_permission", tests);
}
