/* The process that runs the command of a `threadleak run`, found by the pid of the latter. */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "suite.h"
#include "cli/common/run_dir.h"
#include "cli/common/target.h"

#define GONE_MAX 4194304 /* PID_MAX_LIMIT: no process has it */

static char directory[64];

static void setup(void)
{
    scratch_directory(directory, sizeof(directory));
}

/* A shell by the name of `name` that runs the script `word`, whose child waits for ever; the child's pid is
 * in the file "child" as soon as that exists. */
static pid_t start_pretender(const char *name, const char *word)
{
    char command[512];
    snprintf(
        command, sizeof(command),
        "cp /bin/sh %s/%s && printf 'sleep 1000 & echo $! >child.new; mv child.new child; wait\\n' >%s/%s",
        directory, name, directory, word);
    ck_assert_int_eq(system(command), 0);
    pid_t pid = fork();
    if (pid == 0) {
        char path[128];
        snprintf(path, sizeof(path), "%s/%s", directory, name);
        if (chdir(directory) == 0)
            execl(path, name, word, (char *)NULL);
        _exit(127);
    }
    return pid;
}

static pid_t read_child(void)
{
    char path[96];
    snprintf(path, sizeof(path), "%s/child", directory);
    FILE *file;
    while (!(file = fopen(path, "r")))
        usleep(1000);
    int pid = 0;
    ck_assert_int_eq(fscanf(file, "%d", &pid), 1);
    fclose(file);
    unlink(path);
    return pid;
}

static void expect_command(const char *name, const char *word, bool is_run)
{
    pid_t pid = start_pretender(name, word), child = read_child(), found = run_command_of(pid);
    kill(child, SIGKILL);
    waitpid(pid, NULL, 0);
    ck_assert_msg(found == (is_run ? child : 0), "%s %s: %d, its child is %d", name, word, found, child);
    ck_assert_int_eq(run_command_of(pid), 0); /* gone */
}

START_TEST(command_of_run)
{
    expect_command("threadleak", "run", true);
    expect_command("threadleak", "report", false);
    expect_command("thread", "run", false);
    ck_assert_int_eq(run_command_of(getpid()), 0);
    ck_assert_int_eq(run_command_of(GONE_MAX), 0);
    ck_assert_int_eq(run_command_of(0), 0);
}
END_TEST

int main(void)
{
    TCase *tests = tcase_create("run_command");
    tcase_add_checked_fixture(tests, setup, NULL);
    tcase_add_test(tests, command_of_run);
    return suite_run("run_command", tests);
}
