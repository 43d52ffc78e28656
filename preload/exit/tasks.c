#include "preload/exit/tasks.h"

#include <fcntl.h>
#include <string.h>

#include "preload/shim/sys.h"
#include "preload/shim/text.h"

struct linux_dirent {
    uint64_t inode;
    int64_t offset;
    unsigned short length;
    unsigned char type;
    char name[];
};

const char *skip_words(const char *at, int words)
{
    while (words-- > 0 && at) {
        at = strchr(at, ' ');
        at = at ? at + 1 : NULL;
    }
    return at;
}

uint64_t read_number(const char **at)
{
    uint64_t value = 0;
    while (**at >= '0' && **at <= '9')
        value = value * 10 + (uint64_t)(*(*at)++ - '0');
    if (**at == ' ')
        (*at)++;
    return value;
}

bool task_read(long directory, int32_t tid, const char *name, char *buffer, size_t size)
{
    char path[40];
    struct text text = text_in(path, sizeof(path));
    text_print(&text, "%d/%s", tid, name);
    long fd = SYS3(openat, directory, path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return false;
    long got = SYS3(read, fd, buffer, size - 1);
    SYS1(close, fd);
    if (got <= 0)
        return false;
    buffer[got] = 0;
    return true;
}

static bool accept_some(task_accept_fn *accept, void *arg, long directory, char *buffer, long size)
{
    for (long at = 0; at < size;) {
        struct linux_dirent *entry = (void *)(buffer + at);
        const char *name = entry->name;
        int32_t tid = (int32_t)read_number(&name);
        if (tid != 0 && !accept(arg, directory, tid))
            return false;
        at += entry->length;
    }
    return true;
}

/* Not if /proc is that of another pid namespace. */
static bool has_own_tids(void)
{
    char name[24] = "";
    const char *at = name;
    return SYS4(readlinkat, AT_FDCWD, "/proc/self", name, sizeof(name) - 1) > 0 &&
           read_number(&at) == (uint64_t)SYS0(getpid);
}

bool tasks_each(task_accept_fn *accept, void *arg)
{
    if (!has_own_tids())
        return false;
    char buffer[2048] __attribute__((aligned(8)));
    long directory = SYS4(openat, AT_FDCWD, "/proc/self/task", O_RDONLY | O_DIRECTORY | O_CLOEXEC, 0);
    long got = directory;
    bool all = directory >= 0;
    while (all && (got = SYS3(getdents64, directory, buffer, sizeof(buffer))) > 0)
        all = accept_some(accept, arg, directory, buffer, got);
    if (directory >= 0)
        SYS1(close, directory);
    return all && got == 0;
}
