/* Calls that wait for futexes and locks of files. See calls.h. */
#include "calls.h"

#include <fcntl.h>
#include <linux/futex.h>
#include <sys/file.h>

enum { HOUR = 3600 };

static void wake(struct row *row)
{
    row->a = 1;
    syscall(SYS_futex, &row->a, FUTEX_WAKE, 1, NULL, NULL, 0);
}

static long in_futex(struct row *row)
{
    near(row);
    return syscall(SYS_futex, &row->a, FUTEX_WAIT, 0, NULL, NULL, 0);
}

static long in_futex_hour(struct row *row)
{
    struct timespec hour = {HOUR, 0};
    near(row);
    return syscall(SYS_futex, &row->a, FUTEX_WAIT, 0, &hour, NULL, 0);
}

static long in_futex_changed(struct row *row)
{
    near(row);
    return syscall(SYS_futex, &row->a, FUTEX_WAIT_PRIVATE, 0, NULL, NULL, 0);
}

/* The word was changed without a wake-up. */
static void change(struct row *row)
{
    row->a = 1;
}

static void unlock(struct row *row)
{
    close(row->a);
}

static long in_flock(struct row *row)
{
    char path[64];
    FILE *file = tmpfile();
    if (!file)
        return skip(row, "no file");
    row->a = fileno(file);
    snprintf(path, sizeof(path), "/proc/self/fd/%d", row->a);
    int other = open(path, O_RDWR);
    flock(row->a, LOCK_EX);
    near(row);
    return flock(other, LOCK_EX);
}

static long in_fcntl_lock(struct row *row)
{
    char path[64];
    struct flock lock = {.l_type = F_WRLCK};
    FILE *file = tmpfile();
    if (!file)
        return skip(row, "no file");
    row->a = fileno(file);
    snprintf(path, sizeof(path), "/proc/self/fd/%d", row->a);
    int other = open(path, O_RDWR);
    if (fcntl(row->a, F_OFD_SETLK, &lock) != 0)
        return skip(row, "no such locks");
    near(row);
    return fcntl(other, F_OFD_SETLKW, &lock);
}

static struct row rows[] = {
    ROW(futex, wake, 0),   ROW(futex_hour, wake, 0),   HANGS(futex_changed, change),
    ROW(flock, unlock, 0), ROW(fcntl_lock, unlock, 0),
};

int main(int argc, char **argv)
{
    return run_rows(rows, sizeof(rows) / sizeof(rows[0]), argc > 1 ? argv[1] : NULL);
}
