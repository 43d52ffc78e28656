#include "core_child.h"

#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/ledger.h"
#include "common/run_protocol.h"
#include "snapshot_child.h"
#include "suite.h"

static char directory[64];

void core_set_filter(unsigned filter)
{
    FILE *file = fopen("/proc/self/coredump_filter", "we");
    ck_assert_ptr_nonnull(file);
    fprintf(file, "%#x", filter);
    ck_assert_int_eq(fclose(file), 0);
}

const char *core_directory_make(void)
{
    scratch_directory(directory, sizeof(directory));
    return directory;
}

const char *core_directory_path(const char *name)
{
    static char path[400];
    snprintf(path, sizeof(path), "%s/%.255s", directory, name);
    return path;
}

static const char *absolute(const char *given, const char *usual, const char *name)
{
    static char path[8192];
    char base[4096];
    ck_assert_ptr_nonnull(realpath(given ? given : usual, base));
    snprintf(path, sizeof(path), "%s%s", base, name);
    return path;
}

const char *core_target(const char *name)
{
    char file[100];
    snprintf(file, sizeof(file), "/%.90s", name);
    return absolute(getenv("THREADLEAK_TARGETS"), "build/targets", file);
}

static void be_target(const char *path, unsigned how, int out)
{
    const struct rlimit unlimited = {RLIM_INFINITY, RLIM_INFINITY};
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    setrlimit(RLIMIT_CORE, &unlimited);
    /* A background job of a script ignores it, and so would the target. */
    signal(SIGQUIT, SIG_DFL);
    if (how & CORE_IN_RUN)
        setenv(LEDGER_RUN_ENV, directory, 1);
    dup2(out, STDOUT_FILENO);
    if (how & CORE_WATCHED)
        setenv("LD_PRELOAD", absolute(getenv("THREADLEAK_SHIM"), "build/libthreadleak.so", ""), 1);
    setenv("THREADLEAK_OPTIONS", "log_path=/dev/null", 1);
    if (chdir(directory) != 0)
        _exit(127);
    /* A sanitizer does not work with these limits: of threads' stacks and
     * of what the ledger takes its share of. */
    if (how & CORE_SMALL)
        execl("/bin/sh", "sh", "-c", "ulimit -s 64 && ulimit -v 40960 && exec \"$0\"", path, (char *)NULL);
    else
        execl(path, path, (char *)NULL);
    _exit(127);
}

pid_t core_start(const char *path, unsigned how)
{
    int out[2];
    char line[8];
    char *program = strdup(path);
    ck_assert_int_eq(pipe2(out, O_CLOEXEC), 0);
    pid_t pid = fork();
    if (pid == 0)
        be_target(program, how, out[1]);
    close(out[1]);
    ck_assert_msg(read(out[0], line, sizeof(line)) > 0, "%s does not start", program);
    close(out[0]);
    free(program);
    ck_assert(wait_for_states(pid, "S"));
    return pid;
}

static bool begins_with_core(const char *name)
{
    return strncmp(name, "core", 4) == 0 && (!name[4] || name[4] == '.');
}

static const char *find_core(void)
{
    const char *found = NULL;
    struct dirent *entry;
    DIR *entries = opendir(directory);
    while (entries && !found && (entry = readdir(entries)))
        if (begins_with_core(entry->d_name))
            found = core_directory_path(entry->d_name);
    if (entries)
        closedir(entries);
    return found;
}

/* "core": into the directory where the process is. */
static bool kernel_writes_here(void)
{
    char pattern[128] = "";
    FILE *file = fopen("/proc/sys/kernel/core_pattern", "re");
    if (file && !fgets(pattern, sizeof(pattern), file))
        pattern[0] = 0;
    if (file)
        fclose(file);
    pattern[strcspn(pattern, "\n")] = 0;
    if (begins_with_core(pattern) && !strchr(pattern, '/'))
        return true;
    printf("skip the kernel's cores: kernel.core_pattern is \"%s\"\n", pattern);
    return false;
}

const char *core_wait(pid_t pid)
{
    int status = 0;
    ck_assert_int_eq(waitpid(pid, &status, 0), pid);
    ck_assert(WIFSIGNALED(status));
    if (!kernel_writes_here())
        return NULL;
    if (!WCOREDUMP(status))
        printf("skip the kernel's cores: it writes none\n");
    return WCOREDUMP(status) ? find_core() : NULL;
}

static const char *by_kernel(pid_t pid, int signal)
{
    kill(pid, signal);
    return core_wait(pid);
}

static const char *by_gcore(pid_t pid)
{
    char command[300], name[32];
    snprintf(command, sizeof(command), "gcore -o %s/gcore %d >%s/gcore.log 2>&1", directory, (int)pid,
             directory);
    bool made = system(command) == 0;
    child_end(pid);
    if (!made)
        printf("skip gcore's cores: it writes none\n");
    snprintf(name, sizeof(name), "gcore.%d", (int)pid);
    return made ? core_directory_path(name) : NULL;
}

const char *core_of(pid_t pid, enum core_maker maker, int signal)
{
    return maker == CORE_BY_GCORE ? by_gcore(pid) : by_kernel(pid, signal);
}

char *core_read_file(const char *path, size_t *size)
{
    struct stat status;
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    ck_assert_msg(fd >= 0 && fstat(fd, &status) == 0, "%s", path);
    *size = (size_t)status.st_size;
    char *bytes = malloc(*size + 1);
    ck_assert_ptr_nonnull(bytes);
    for (size_t done = 0; done < *size;) {
        ssize_t n = read(fd, bytes + done, *size - done);
        ck_assert_int_gt(n, 0);
        done += (size_t)n;
    }
    close(fd);
    return bytes;
}

void core_write_file(const char *path, const char *bytes, size_t size)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    ck_assert_int_ge(fd, 0);
    for (size_t done = 0; done < size;) {
        ssize_t n = write(fd, bytes + done, size - done);
        ck_assert_int_gt(n, 0);
        done += (size_t)n;
    }
    close(fd);
}
