#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cli/common/output.h"
#include "suite.h"

static char directory[64], target[80];
static struct output output;
static struct error error;

static void setup(void)
{
    scratch_directory(directory, sizeof(directory));
    snprintf(target, sizeof(target), "%s/report", directory);
    error.text[0] = '\0';
}

static void write_target(const char *text)
{
    FILE *file = fopen(target, "w");
    ck_assert_ptr_nonnull(file);
    fputs(text, file);
    ck_assert_int_eq(fclose(file), 0);
}

static void target_holds(const char *text)
{
    char read[64] = "";
    FILE *file = fopen(target, "r");
    ck_assert_ptr_nonnull(file);
    ck_assert_ptr_eq(fgets(read, sizeof(read), file), *text ? read : NULL);
    fclose(file);
    ck_assert_str_eq(read, text);
}

static unsigned files_in_directory(void)
{
    unsigned count = 0;
    DIR *dir = opendir(directory);
    ck_assert_ptr_nonnull(dir);
    while (readdir(dir))
        count++;
    closedir(dir);
    return count - 2;
}

static void open_fails(const char *path, const char *why)
{
    ck_assert(!output_open(&output, path, stderr, &error));
    ck_assert_msg(strstr(error.text, why), "'%s' lacks '%s'", error.text, why);
    ck_assert_ptr_null(output.file);
}

START_TEST(a_file_appears_at_commit)
{
    umask(027);
    ck_assert(output_open(&output, target, stderr, &error));
    fputs("new", output.file);
    fflush(output.file);
    ck_assert_int_ne(access(target, F_OK), 0);
    ck_assert(output_commit(&output, &error));
    target_holds("new");
    ck_assert_uint_eq(files_in_directory(), 1);
    struct stat st;
    ck_assert_int_eq(stat(target, &st), 0);
    ck_assert_uint_eq(st.st_mode & 0777, 0640);
}
END_TEST

START_TEST(an_older_file_stays_until_commit)
{
    write_target("old");
    ck_assert_int_eq(chmod(target, 0604), 0);
    ck_assert(output_open(&output, target, stderr, &error));
    fputs("new", output.file);
    fflush(output.file);
    target_holds("old");
    output_abandon(&output);
    target_holds("old");
    ck_assert_uint_eq(files_in_directory(), 1);
    ck_assert(output_open(&output, target, stderr, &error));
    ck_assert(output_commit(&output, &error));
    target_holds("");
    struct stat st;
    ck_assert_int_eq(stat(target, &st), 0);
    ck_assert_uint_eq(st.st_mode & 0777, 0604);
}
END_TEST

START_TEST(a_symbolic_link_stays_one)
{
    char name[80];
    struct stat st;
    snprintf(name, sizeof(name), "%s/link", directory);
    write_target("old");
    ck_assert_int_eq(symlink("report", name), 0);
    ck_assert(output_open(&output, name, stderr, &error));
    fputs("new", output.file);
    ck_assert(output_commit(&output, &error));
    target_holds("new");
    ck_assert_int_eq(lstat(name, &st), 0);
    ck_assert(S_ISLNK(st.st_mode));
    unlink(name);
}
END_TEST

START_TEST(unwritable_files_are_reported_at_once)
{
    open_fails("/nonexistent/report", "/nonexistent/report: cannot be written: No such file or directory");
    open_fails(directory, "Is a directory");
    open_fails("", "not the name");
    open_fails("/dev/fd/999999", "Bad file descriptor");
    write_target("");
    char below[96];
    snprintf(below, sizeof(below), "%s/x", target);
    open_fails(below, "Not a directory");
}
END_TEST

/* Nothing is left of it, and a reader of a FIFO does not see its end. */
START_TEST(a_check_changes_nothing)
{
    ck_assert(!output_check("", &error));
    ck_assert(!output_check("/nonexistent/report", &error));
    ck_assert(output_check(NULL, &error));
    ck_assert(output_check(target, &error));
    ck_assert_uint_eq(files_in_directory(), 0);
    ck_assert_int_eq(mkfifo(target, 0600), 0);
    ck_assert(output_check(target, &error)); /* has no reader: an open would wait */
}
END_TEST

START_TEST(a_failed_write_is_noticed)
{
    ck_assert(output_open(&output, "/dev/full", stderr, &error));
    fputs("new", output.file);
    ck_assert(!output_commit(&output, &error));
    ck_assert_str_eq(error.text, "/dev/full could not be written: No space left on device");
    /* the same of a file: the target is as it was */
    write_target("old");
    ck_assert(output_open(&output, target, stderr, &error));
    int full = open("/dev/full", O_WRONLY);
    ck_assert_int_ge(dup2(full, fileno(output.file)), 0);
    close(full);
    fputs("new", output.file);
    ck_assert(!output_commit(&output, &error));
    target_holds("old");
    ck_assert_uint_eq(files_in_directory(), 1);
}
END_TEST

START_TEST(streams_are_written_directly)
{
    ck_assert(output_open(&output, NULL, stderr, &error));
    ck_assert_int_eq(output_descriptor(&output), STDERR_FILENO);
    ck_assert(output_commit(&output, &error));
    ck_assert(output_open(&output, "-", stderr, &error));
    ck_assert_int_eq(output_descriptor(&output), STDOUT_FILENO);
    output_abandon(&output);
    /* what the shell has opened keeps its place and its file */
    write_target("");
    int fd = open(target, O_WRONLY | O_APPEND);
    char name[32];
    snprintf(name, sizeof(name), "/dev/fd/%d", fd);
    ck_assert_int_eq(write(fd, "one ", 4), 4);
    ck_assert(output_open(&output, name, stderr, &error));
    fputs("two", output.file);
    ck_assert(output_commit(&output, &error));
    ck_assert_int_eq(write(fd, " three", 6), 6);
    close(fd);
    target_holds("one two three");
}
END_TEST

/* Reports of processes that share a terminal or a log do not mix. */
START_TEST(what_is_written_directly_is_one_write)
{
    enum { LINES = 2000, LINE = 10 };
    static char got[LINES * LINE + 1];
    int pair[2];
    char name[32];
    ck_assert_int_eq(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, pair), 0);
    snprintf(name, sizeof(name), "/dev/fd/%d", pair[0]);
    ck_assert(output_open(&output, name, stderr, &error));
    for (int i = 0; i < LINES; i++) {
        fprintf(output.file, "line %4d\n", i);
        if (i % 100 == 0)
            fflush(output.file);
    }
    ck_assert(output_commit(&output, &error));
    ck_assert_int_eq(recv(pair[1], got, sizeof(got), MSG_DONTWAIT), LINES * LINE);
    close(pair[0]);
    close(pair[1]);
}
END_TEST

static int full_pipe[2];
static volatile sig_atomic_t interruptions;

static void interrupt_and_drain(int number)
{
    static char bytes[65536];
    static const struct itimerval again = {.it_value = {.tv_usec = 20000}};
    (void)number;
    if (++interruptions < 4 || read(full_pipe[0], bytes, sizeof(bytes)) < 0)
        setitimer(ITIMER_REAL, &again, NULL);
}

/* As `run` has them for some seconds after COMMAND's end. */
START_TEST(a_signal_takes_nothing_away)
{
    static const char filling[4096];
    char name[32], got[8] = "";
    const struct sigaction action = {.sa_handler = interrupt_and_drain, .sa_flags = SA_RESTART};
    ck_assert_int_eq(sigaction(SIGALRM, &action, NULL), 0);
    ck_assert_int_eq(pipe2(full_pipe, O_NONBLOCK), 0);
    while (write(full_pipe[1], filling, sizeof(filling)) > 0)
        ;
    snprintf(name, sizeof(name), "/dev/fd/%d", full_pipe[1]);
    ck_assert(output_open(&output, name, stderr, &error));
    fputs("kept", output.file);
    interrupt_and_drain(SIGALRM);
    ck_assert_msg(output_commit(&output, &error), "%s", error.text);
    ck_assert_int_ge(interruptions, 4);
    while (read(full_pipe[0], got, 4) == 4 && !*got)
        ;
    ck_assert_str_eq(got, "kept");
}
END_TEST

START_TEST(a_fifo_waits_for_its_reader)
{
    sigset_t set, before;
    char got[8] = "";
    ck_assert_int_eq(mkfifo(target, 0600), 0);
    pid_t reader = fork();
    if (reader == 0) {
        usleep(50000);
        int fd = open(target, O_RDONLY | O_CLOEXEC);
        _exit(read(fd, got, sizeof(got)) == 3 && !memcmp(got, "new", 3) ? 0 : 1);
    }
    ck_assert(output_open(&output, target, stderr, &error));
    ck_assert_int_eq(fcntl(output_descriptor(&output), F_GETFL) & O_NONBLOCK, 0);
    fputs("new", output.file);
    ck_assert(output_commit(&output, &error));
    int status;
    ck_assert_int_eq(waitpid(reader, &status, 0), reader);
    ck_assert_int_eq(status, 0);
    /* but not when it is to end, though signals are held back */
    sigemptyset(&set);
    sigaddset(&set, SIGTERM);
    sigprocmask(SIG_BLOCK, &set, &before);
    kill(getpid(), SIGTERM);
    open_fails(target, "Interrupted");
    ck_assert_int_eq(sigtimedwait(&set, NULL, &(struct timespec){0, 0}), SIGTERM);
    sigprocmask(SIG_SETMASK, &before, NULL);
}
END_TEST

START_TEST(colour_is_asked_for)
{
    unsetenv("NO_COLOR");
    unsetenv("CLICOLOR_FORCE");
    int fd = open("/dev/null", O_WRONLY);
    ck_assert(output_color(fd, COLOR_ALWAYS));
    ck_assert(!output_color(fd, COLOR_NEVER));
    ck_assert(!output_color(fd, COLOR_AUTO));
    setenv("CLICOLOR_FORCE", "1", 1);
    ck_assert(output_color(fd, COLOR_AUTO));
    setenv("NO_COLOR", "1", 1);
    ck_assert(!output_color(fd, COLOR_AUTO));
    setenv("NO_COLOR", "", 1);
    ck_assert(output_color(fd, COLOR_AUTO));
    setenv("CLICOLOR_FORCE", "0", 1);
    ck_assert(!output_color(fd, COLOR_AUTO));
    close(fd);
}
END_TEST

int main(void)
{
    TCase *tests = tcase_create("output");
    tcase_add_checked_fixture(tests, setup, NULL);
    tcase_add_test(tests, a_file_appears_at_commit);
    tcase_add_test(tests, an_older_file_stays_until_commit);
    tcase_add_test(tests, a_symbolic_link_stays_one);
    tcase_add_test(tests, unwritable_files_are_reported_at_once);
    tcase_add_test(tests, a_failed_write_is_noticed);
    tcase_add_test(tests, streams_are_written_directly);
    tcase_add_test(tests, what_is_written_directly_is_one_write);
    tcase_add_test(tests, a_signal_takes_nothing_away);
    tcase_add_test(tests, a_check_changes_nothing);
    tcase_add_test(tests, a_fifo_waits_for_its_reader);
    tcase_add_test(tests, colour_is_asked_for);
    return suite_run("output", tests);
}
