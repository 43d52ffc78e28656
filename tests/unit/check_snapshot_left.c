/* Files, threads and memory after many snapshots: as many as before. */
#include <dirent.h>
#include <stdio.h>

#include "snapshot/snapshot.h"
#include "snapshot_child.h"
#include "snapshot_taken.h"
#include "suite.h"
#include "unwind/unwind.h"

static struct error error;

static int count_entries(const char *path)
{
    int count = 0;
    DIR *directory = opendir(path);
    ck_assert_ptr_nonnull(directory);
    while (readdir(directory))
        count++;
    closedir(directory);
    return count;
}

static long resident_kb(void)
{
    long kb = -1;
    char line[128];
    FILE *file = fopen("/proc/self/status", "re");
    while (file && fgets(line, sizeof(line), file))
        if (sscanf(line, "VmRSS: %ld", &kb) == 1)
            break;
    if (file)
        fclose(file);
    return kb;
}

START_TEST(nothing_is_left_behind)
{
    pid_t pid = child_start(run_two);
    wait_ready(2);
    int files = 0, threads = 0;
    long resident = 0;
    for (int i = 0; i < 300; i++) {
        struct snapshot *snapshot = take_snapshot(pid);
        struct unwinder *unwinder = unwinder_new(snapshot, &error);
        ck_assert_ptr_nonnull(unwinder);
        /* One for the directory, which is open while it is read. */
        ck_assert_int_lt(count_entries("/proc/self/fd"), files ? files + 1 : 100);
        unwinder_free(unwinder);
        snapshot_free(snapshot);
        snapshot_take(99999999, NULL, &snapshot, &error);
        if (i == 50) {
            files = count_entries("/proc/self/fd");
            threads = count_entries("/proc/self/task");
            resident = resident_kb();
        }
    }
    ck_assert_int_eq(count_entries("/proc/self/fd"), files);
    ck_assert_int_eq(count_entries("/proc/self/task"), threads);
#if defined(__SANITIZE_ADDRESS__)
    resident += 300000; /* keeps what is freed for a while, and finds leaks by itself */
#endif
    ck_assert_int_lt(resident_kb(), resident + 20000);
    child_end(pid);
}
END_TEST

int main(void)
{
    TCase *tests = tcase_create("left");
    tcase_add_test(tests, nothing_is_left_behind);
    return suite_run("snapshot_left", tests);
}
