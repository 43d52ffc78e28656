#include "proc/maps.h"

#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sysmacros.h>

#include "base/path.h"
#include "proc/file.h"

static FILE *open_of(pid_t task)
{
    return fopen(PROC_PATH("%d/maps", task), "re");
}

static bool is_empty(FILE *file)
{
    int c = getc(file);
    return c == EOF || ungetc(c, file) == EOF;
}

static void open_of_another_task(struct maps *maps, pid_t pid)
{
    DIR *tasks = opendir(PROC_PATH("%d/task", pid));
    for (long tid; tasks && maps->empty && (tid = proc_next_number(tasks)) >= 0;) {
        FILE *file = tid != pid ? open_of((pid_t)tid) : NULL;
        if (!file)
            continue;
        fclose(maps->file);
        maps->file = file;
        maps->task = (pid_t)tid;
        maps->empty = is_empty(file);
    }
    if (tasks)
        closedir(tasks);
}

bool maps_open(struct maps *maps, pid_t pid)
{
    memset(maps, 0, sizeof(*maps));
    errno = ESRCH;
    maps->file = pid > 0 ? open_of(pid) : NULL;
    if (!maps->file) {
        int why = errno;
        bool hidden = pid > 0 && kill(pid, 0) != 0 && errno == EPERM;
        errno = why == ENOENT && hidden ? EACCES : why;
        return false;
    }
    maps->task = pid;
    maps->empty = is_empty(maps->file);
    if (maps->empty)
        open_of_another_task(maps, pid);
    return true;
}

static bool parse(char *line, struct mapping *mapping)
{
    char perms[5];
    int path_at = 0;
    if (sscanf(line, "%" SCNx64 "-%" SCNx64 " %4s %" SCNx64 " %x:%x %" SCNu64 " %n", &mapping->start,
               &mapping->end, perms, &mapping->offset, &mapping->major, &mapping->minor, &mapping->inode,
               &path_at) != 7 ||
        line[path_at] != '/')
        return false;
    line[path_at + (int)strcspn(line + path_at, "\n")] = 0;
    path_cut_deleted(line + path_at);
    mapping->shared = perms[3] == 's';
    return snprintf(mapping->path, sizeof(mapping->path), "%s", line + path_at) < (int)sizeof(mapping->path);
}

const struct mapping *maps_next(struct maps *maps)
{
    while (getline(&maps->line, &maps->line_size, maps->file) > 0)
        /* Stacks are most of the lines of a process with many threads. */
        if (strchr(maps->line, '/') && parse(maps->line, &maps->mapping))
            return &maps->mapping;
    return NULL;
}

void maps_close(struct maps *maps)
{
    if (maps->file)
        fclose(maps->file);
    free(maps->line);
    maps->file = NULL;
    maps->line = NULL;
}

bool mapping_is_of(const struct mapping *mapping, const struct stat *st)
{
    return st->st_ino == mapping->inode && major(st->st_dev) == mapping->major &&
           minor(st->st_dev) == mapping->minor;
}
