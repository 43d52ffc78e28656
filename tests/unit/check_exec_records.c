/* Records of exec calls, and which processes of a run were not watched. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "ledger_fake.h"
#include "suite.h"
#include "cli/run/ledgers.h"
#include "cli/common/run_dir.h"
#include "common/run_protocol.h"

#define GONE_MAX 4194304 /* PID_MAX_LIMIT: no process has it */
#define PID (GONE_MAX + 10)
#define OTHER (GONE_MAX + 11)

static char directory[64], records_file[96];
static struct error error;
static struct run_ledgers ledgers;
static struct fake *fakes[4];

static void setup(void)
{
    scratch_directory(directory, sizeof(directory));
    snprintf(records_file, sizeof(records_file), "%s/" LEDGER_EXECS_FILE, directory);
    memset(&ledgers, 0, sizeof(ledgers));
    ledgers.items = calloc(4, sizeof(*ledgers.items));
}

static void teardown(void)
{
    run_ledgers_release(&ledgers);
    for (size_t i = 0; i < 4; i++) {
        if (fakes[i])
            fake_free(fakes[i]);
        fakes[i] = NULL;
    }
}

static void append(const char *bytes, size_t length)
{
    int fd = open(records_file, O_WRONLY | O_CREAT | O_APPEND, 0600);
    ck_assert_int_ge(fd, 0);
    ck_assert_int_eq(write(fd, bytes, length), (ssize_t)length);
    close(fd);
}

/* Not static, not another machine's, and always there. */
#define WATCHABLE_FILE "/bin/sh"

static void mark(int pid, unsigned long long ns, char kind)
{
    char record[128];
    int length = snprintf(record, sizeof(record), "%d %llu %c%c%s%c%s", pid, ns, kind, 0, "/", 0, "bin/sh");
    append(record, (size_t)length + 1);
}

static struct ledger_header *add_ledger(pid_t pid, uint64_t started_ns, uint32_t flags, enum ledger_end end,
                                        uint64_t end_ns)
{
    size_t index = ledgers.count++;
    struct fake *fake = fakes[index] = fake_new_small();
    struct ledger_header *header = fake_header(fake);
    header->pid = pid;
    header->started_ns = started_ns;
    header->flags = flags;
    header->end = end;
    header->end_ns = end_ns;
    ledgers.items[index].ledger = fake_open(fake);
    ck_assert_ptr_nonnull(ledgers.items[index].ledger);
    ledgers.items[index].pid = pid;
    return header;
}

static size_t unwatched_strictly(void)
{
    ck_assert_msg(
        run_unwatched_find(&(struct run_collect){.directory = directory, .strict = true}, &ledgers, &error),
        "%s", error.text);
    return ledgers.unwatched_count;
}

static size_t unwatched(void)
{
    ck_assert_msg(run_unwatched_find(&(struct run_collect){.directory = directory}, &ledgers, &error), "%s",
                  error.text);
    return ledgers.unwatched_count;
}

START_TEST(no_file)
{
    ck_assert_uint_eq(unwatched(), 0);
    ck_assert_int_eq(mkfifo(records_file, 0600), 0);
    ck_assert_uint_eq(unwatched(), 0);
}
END_TEST

START_TEST(without_a_ledger)
{
    mark(PID, 100, LEDGER_EXEC_BARE);
    mark(OTHER, 100, LEDGER_EXEC_OURS);      /* why it did not report in is not known */
    mark(OTHER + 1, 100, LEDGER_EXEC_OTHER); /* not of this run */
    ck_assert_uint_eq(unwatched(), 1);
    ck_assert_int_eq(ledgers.unwatched[0].pid, PID);
    ck_assert_str_eq(ledgers.unwatched[0].name, "bin/sh");
    ck_assert_int_eq(ledgers.unwatched[0].exe[0], '/');
    ck_assert_uint_eq(ledgers.unwatched[0].why, UNWATCHED_ENVIRONMENT);
}
END_TEST

START_TEST(strictly_what_is_not_certain)
{
    mark(GONE_MAX, 100, LEDGER_EXEC_OURS);
    mark(GONE_MAX - 1, 100, LEDGER_EXEC_OTHER); /* not of this run */
    mark(GONE_MAX - 2, 100, LEDGER_EXEC_FAILED);
    ck_assert_uint_eq(unwatched_strictly(), 1);
    ck_assert_int_eq(ledgers.unwatched[0].pid, GONE_MAX);
    ck_assert_uint_eq(ledgers.unwatched[0].why, UNWATCHED_UNKNOWN);
}
END_TEST

/* By the time that the marks are judged it has reported in. */
START_TEST(strictly_one_that_came_later)
{
    char path[128];
    mark(GONE_MAX, 100, LEDGER_EXEC_OURS);
    snprintf(path, sizeof(path), "%s/" LEDGER_FILE_PREFIX "%d.0", directory, GONE_MAX);
    int fd = open(path, O_WRONLY | O_CREAT, 0600);
    ck_assert_int_ge(fd, 0);
    ck_assert_int_eq(ftruncate(fd, 4096), 0);
    ck_assert_uint_eq(unwatched_strictly(), 0);
    /* … that it found no room for a record. */
    ck_assert_int_eq(fchmod(fd, LEDGER_GAVE_UP_ROOM), 0);
    close(fd);
    ck_assert_uint_eq(unwatched_strictly(), 1);
}
END_TEST

/* Whatever it had written by then: nothing, room for its ledger, some of its header. */
START_TEST(one_killed_as_it_began)
{
    struct ledger_header header = {.pid = GONE_MAX, .version = LEDGER_VERSION};
    char path[128];
    snprintf(path, sizeof(path), "%s/" LEDGER_FILE_PREFIX "%d.0", directory, GONE_MAX);
    for (int step = 0; step < 4; step++) {
        int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
        if (step >= 1)
            ck_assert_int_eq(ftruncate(fd, 1 << 20), 0);
        memcpy(header.magic, step == 3 ? "NOLEDGER" : LEDGER_MAGIC, sizeof(header.magic));
        if (step >= 2)
            ck_assert_int_eq(pwrite(fd, &header, sizeof(header), 0), sizeof(header));
        close(fd);
        run_ledgers_release(&ledgers);
        ck_assert(run_dir_collect(&(struct run_collect){.directory = directory}, &ledgers, &error));
        ck_assert_uint_eq(ledgers.count, 0);
        ck_assert_int_eq(ledgers.unreadable, step == 3);
    }
}
END_TEST

START_TEST(strictly_an_exec_without_a_mark)
{
    add_ledger(GONE_MAX, 50, 0, LEDGER_END_EXEC, 99);
    ck_assert_uint_eq(unwatched_strictly(), 1);
    ck_assert_uint_eq(ledgers.unwatched[0].why, UNWATCHED_EXEC);
}
END_TEST

START_TEST(strictly_an_exec_that_is_under_way)
{
    char path[128];
    add_ledger(GONE_MAX, 50, 0, LEDGER_END_EXEC, 99);
    snprintf(path, sizeof(path), "%s/" LEDGER_FILE_PREFIX "%d.1", directory, GONE_MAX);
    int fd = open(path, O_WRONLY | O_CREAT, 0600);
    ck_assert_int_eq(ftruncate(fd, 4096), 0);
    close(fd);
    ck_assert_uint_eq(unwatched_strictly(), 0);
}
END_TEST

START_TEST(strictly_an_exec_that_is_known)
{
    add_ledger(GONE_MAX, 50, 0, LEDGER_END_EXEC, 99);
    add_ledger(GONE_MAX, 100, 0, LEDGER_END_EXIT, 120);
    add_ledger(GONE_MAX - 1, 50, 0, LEDGER_END_EXEC, 99);
    mark(GONE_MAX - 1, 100, LEDGER_EXEC_OTHER);
    ck_assert_uint_eq(unwatched_strictly(), 0);
    ck_assert_uint_eq(unwatched(), 0);
}
END_TEST

START_TEST(with_a_ledger)
{
    mark(PID, 100, LEDGER_EXEC_BARE);
    add_ledger(PID, 50, LEDGER_FORKED, LEDGER_END_EXEC, 99);
    add_ledger(PID, 100, 0, LEDGER_END_EXIT, 120);
    ck_assert_uint_eq(unwatched(), 0);
}
END_TEST

START_TEST(an_earlier_ledger_is_not_its_own)
{
    mark(PID, 100, LEDGER_EXEC_BARE);
    add_ledger(PID, 50, 0, LEDGER_END_EXEC, 99);
    add_ledger(PID, 30, 0, LEDGER_END_EXIT, 40); /* whose pid was used again */
    ck_assert_uint_eq(unwatched(), 1);
}
END_TEST

START_TEST(a_fork_of_that_pid_is_not_its_own)
{
    mark(PID, 100, LEDGER_EXEC_BARE);
    add_ledger(PID, 200, LEDGER_FORKED, LEDGER_END_EXIT, 300);
    ck_assert_uint_eq(unwatched(), 1);
}
END_TEST

START_TEST(a_ledger_after_the_next_mark_is_that_ones)
{
    mark(PID, 100, LEDGER_EXEC_BARE);
    mark(PID, 200, LEDGER_EXEC_BARE);
    add_ledger(PID, 201, 0, LEDGER_END_EXIT, 300);
    ck_assert_uint_eq(unwatched(), 1);
}
END_TEST

START_TEST(an_exit_may_win_over_exec)
{
    mark(PID, 100, LEDGER_EXEC_BARE);
    add_ledger(PID, 50, 0, LEDGER_END_EXIT, 101);
    ck_assert_uint_eq(unwatched(), 0);
}
END_TEST

START_TEST(an_exec_that_failed)
{
    mark(PID, 100, LEDGER_EXEC_BARE);
    mark(PID, 101, LEDGER_EXEC_FAILED);
    ck_assert_uint_eq(unwatched(), 0);
    mark(PID, 102, LEDGER_EXEC_BARE); /* the next one did not */
    ck_assert_uint_eq(unwatched(), 1);
}
END_TEST

/* A child that was spawned may exec before its parent comes to note the spawn. */
START_TEST(marks_out_of_order)
{
    mark(PID, 300, LEDGER_EXEC_BARE);
    mark(PID, 100, LEDGER_EXEC_BARE);
    add_ledger(PID, 150, 0, LEDGER_END_EXEC, 300);
    add_ledger(PID, 301, 0, LEDGER_END_EXIT, 400);
    ck_assert_uint_eq(unwatched(), 0);
}
END_TEST

START_TEST(a_live_one)
{
    mark(getpid(), 100, LEDGER_EXEC_BARE);
    ck_assert_uint_eq(unwatched(), 1);
    /* Now it maps a file of the shim's name: it may be just about to call exec. */
    char path[128];
    snprintf(path, sizeof(path), "%s/libthreadleak.so", directory);
    int fd = open(path, O_RDWR | O_CREAT, 0600);
    ck_assert_int_eq(ftruncate(fd, 4096), 0);
    void *shim = mmap(NULL, 4096, PROT_READ, MAP_SHARED, fd, 0);
    ck_assert_ptr_ne(shim, MAP_FAILED);
    close(fd);
    ck_assert_uint_eq(unwatched(), 1); /* no other than before */
    munmap(shim, 4096);
}
END_TEST

START_TEST(damaged_file)
{
    static const struct {
        const char *bytes;
        size_t length;
    } damages[] = {
        {"", 1},
        {"4242 100 e", 10},
        {"4242 100 e\0/bin\0sh", 18},
        {"4242 100 ex\0/\0sh", 17},
        {"-1 100 e", 9},
        {"4242 100\0/\0bin/sh", 18},
        {"nonsense\0/\0bin/sh", 18},
        {"99999999999999999999 99999999999999999999999 z\0\0", 49},
        {"\n\n\n\0\0\0\0\0\0\0\0\0\0\0\0", 15},
    };
    for (size_t i = 0; i < sizeof(damages) / sizeof(damages[0]); i++) {
        unlink(records_file);
        append(damages[i].bytes, damages[i].length);
        ck_assert_uint_eq(unwatched(), 0);
    }
    /* Records before the damage are valid. */
    unlink(records_file);
    mark(PID, 100, LEDGER_EXEC_BARE);
    append("4243 100 e\0/bin", 15);
    ck_assert_uint_eq(unwatched(), 1);
}
END_TEST

static void mark_path(const char *from, const char *path)
{
    char record[256];
    int length =
        snprintf(record, sizeof(record), "%d %d %c%c%s%c%s", PID, 100, LEDGER_EXEC_BARE, 0, from, 0, path);
    append(record, (size_t)length + 1);
}

START_TEST(paths)
{
    static const char *const ways[][2] = {
        {"/", "bin/sh"},
        {"/nowhere", "/bin/sh"},
        {"/bin", "sh"},
        {"/nowhere/at/all", "../../../bin/sh"},
        {"/nowhere", ".././bin/sh"},
        {"/bin", "./sh"},
        {"", "sh"},
        {"/bin/sh", ""},
        {"/bin", ".//sh"},
        {"/", "../../bin/sh"},
    };
    char *wanted = realpath(WATCHABLE_FILE, NULL);
    for (size_t i = 0; i < sizeof(ways) / sizeof(ways[0]); i++) {
        unlink(records_file);
        unwatched_free(ledgers.unwatched, ledgers.unwatched_count);
        ledgers.unwatched = NULL;
        ledgers.unwatched_count = 0;
        mark_path(ways[i][0], ways[i][1]);
        ck_assert_uint_eq(unwatched(), 1);
        ck_assert_msg(!strcmp(ledgers.unwatched[0].exe, wanted), "%s + %s: %s", ways[i][0], ways[i][1],
                      ledgers.unwatched[0].exe);
        ck_assert_str_eq(ledgers.unwatched[0].name, *ways[i][1] ? ways[i][1] : ways[i][0]);
    }
    free(wanted);
}
END_TEST

int main(void)
{
    TCase *tests = tcase_create("exec_records");
    tcase_add_checked_fixture(tests, setup, teardown);
    tcase_add_test(tests, no_file);
    tcase_add_test(tests, without_a_ledger);
    tcase_add_test(tests, strictly_what_is_not_certain);
    tcase_add_test(tests, strictly_one_that_came_later);
    tcase_add_test(tests, one_killed_as_it_began);
    tcase_add_test(tests, strictly_an_exec_without_a_mark);
    tcase_add_test(tests, strictly_an_exec_that_is_under_way);
    tcase_add_test(tests, strictly_an_exec_that_is_known);
    tcase_add_test(tests, with_a_ledger);
    tcase_add_test(tests, an_earlier_ledger_is_not_its_own);
    tcase_add_test(tests, a_fork_of_that_pid_is_not_its_own);
    tcase_add_test(tests, a_ledger_after_the_next_mark_is_that_ones);
    tcase_add_test(tests, an_exit_may_win_over_exec);
    tcase_add_test(tests, an_exec_that_failed);
    tcase_add_test(tests, marks_out_of_order);
    tcase_add_test(tests, a_live_one);
    tcase_add_test(tests, damaged_file);
    tcase_add_test(tests, paths);
    return suite_run("exec_records", tests);
}
