#include "attach/tracefs.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <linux/mount.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/file.h"
#include "base/text.h"
#include "common/compat.h"

#define GROUP "threadleak_"
enum { MAX_EVENTS = 1 << 20 /* bytes of the list */ };

static bool write_line(const struct tracefs *tracefs, const char *line)
{
    int fd = openat(tracefs->directory, "uprobe_events", O_WRONLY | O_APPEND | O_CLOEXEC);
    if (fd < 0)
        return false;
    bool ok = write(fd, line, strlen(line)) == (ssize_t)strlen(line);
    int why = errno;
    close(fd);
    errno = why;
    return ok;
}

/* ---- where it is ------------------------------------------------------------------------------ */

static int open_mounted(void)
{
    static const char *const places[] = {"/sys/kernel/tracing", "/sys/kernel/debug/tracing"};
    for (size_t i = 0; i < sizeof(places) / sizeof(*places); i++) {
        int fd = open(places[i], O_PATH | O_DIRECTORY | O_CLOEXEC);
        if (fd >= 0 && faccessat(fd, "uprobe_events", W_OK, 0) == 0)
            return fd;
        if (fd >= 0)
            close(fd);
    }
    return -1;
}

/* Since Linux 5.2. */
static int open_detached(void)
{
    int config = (int)syscall(SYS_fsopen, "tracefs", FSOPEN_CLOEXEC);
    if (config < 0)
        return -1;
    int fd = -1;
    if (syscall(SYS_fsconfig, config, FSCONFIG_CMD_CREATE, NULL, NULL, 0) == 0)
        fd = (int)syscall(SYS_fsmount, config, FSMOUNT_CLOEXEC, 0);
    close(config);
    return fd;
}

/* ---- probes -------------------------------------------------------------------------------------- */

/* "p:threadleak_PID/p0 …" of a process that does not exist, or that had the pid of this one. The kernel does
 * not remove one that is in use, such as that of an attach in another pid namespace. So each probe has an
 * event of its own: of an event with several probes it removes (Linux 6.18) also those that are in use. */
static void remove_stale(const struct tracefs *tracefs, const char *line)
{
    char event[64], command[80];
    int pid, length = 0;
    if (sscanf(line, "%*[pr]:" GROUP "%d/p%*d%n", &pid, &length) != 1 || !length ||
        (pid != getpid() && (kill(pid, 0) == 0 || errno != ESRCH)))
        return;
    snprintf(event, sizeof(event), "%.*s", length - 2, line + 2);
    snprintf(command, sizeof(command), "-:%s\n", event);
    write_line(tracefs, command);
}

static void remove_all_stale(const struct tracefs *tracefs)
{
    size_t length;
    int fd = openat(tracefs->directory, "uprobe_events", O_RDONLY | O_CLOEXEC);
    char *list = fd < 0 ? NULL : read_all(fd, MAX_EVENTS, &length), *rest = list;
    if (fd >= 0)
        close(fd);
    for (char *line; rest && (line = strsep(&rest, "\n"));)
        remove_stale(tracefs, line);
    free(list);
}

bool tracefs_open(struct tracefs *tracefs, struct error *error)
{
    *tracefs = (struct tracefs){.directory = open_mounted()};
    if (tracefs->directory < 0)
        tracefs->directory = open_detached();
    if (tracefs->directory < 0 || faccessat(tracefs->directory, "uprobe_events", W_OK, 0) != 0) {
        bool forbidden = errno == EPERM || errno == EACCES;
        error_set(error, forbidden
                             ? "no permission to probe functions: CAP_SYS_ADMIN is missing for tracefs; run "
                               "as root"
                             : "this kernel has no uprobes (CONFIG_UPROBE_EVENTS)");
        tracefs_close(tracefs);
        return false;
    }
    snprintf(tracefs->group, sizeof(tracefs->group), GROUP "%d", (int)getpid());
    remove_all_stale(tracefs);
    return true;
}

static bool read_id(const struct tracefs *tracefs, uint64_t *id)
{
    char path[96], text[32] = "";
    snprintf(path, sizeof(path), "events/%s/p%zu/id", tracefs->group, tracefs->count);
    int fd = openat(tracefs->directory, path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return false;
    ssize_t n = read(fd, text, sizeof(text) - 1);
    close(fd);
    return n > 0 && sscanf(text, "%" SCNu64, id) == 1;
}

bool tracefs_define(struct tracefs *tracefs, const char *path, uint64_t offset, bool is_return, uint64_t *id)
{
    char line[4400];
    snprintf(line, sizeof(line), "%c:%s/p%zu %s:0x%" PRIx64 "\n", is_return ? 'r' : 'p', tracefs->group,
             tracefs->count, path, offset);
    if (!write_line(tracefs, line))
        return false;
    bool known = read_id(tracefs, id);
    tracefs->count++;
    return known;
}

void tracefs_close(struct tracefs *tracefs)
{
    char line[96];
    if (tracefs->directory < 0)
        return;
    for (size_t i = 0; i < tracefs->count; i++) {
        snprintf(line, sizeof(line), "-:%s/p%zu\n", tracefs->group, i);
        write_line(tracefs, line);
    }
    close(tracefs->directory);
    tracefs->directory = -1;
}
