#include "cli/common/watchable.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "base/elf.h"
#include "base/path.h"
#include "cli/common/program_head.h"

enum { LEVELS_MAX = 5 }; /* exec_binprm() in fs/exec.c */

/* The file that a message names. For an interpreter it also names the script. */
struct subject {
    const char *command; /* NULL: path is the command */
    const char *path;
    int level;
    enum unwatched_why *why; /* out; NULL: not wanted */
};

static enum watchable check_file(const struct subject *subject, struct error *error);

static void set_why(const struct subject *subject, enum unwatched_why why)
{
    if (subject->why)
        *subject->why = why;
}

__attribute__((format(printf, 4, 5))) static enum watchable refuse(enum watchable why,
                                                                   const struct subject *subject,
                                                                   struct error *error, const char *format,
                                                                   ...)
{
    char text[sizeof(error->text)];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    if (subject->command)
        error_set(error, "%.150s: its interpreter %.150s %s", subject->command, subject->path, text);
    else
        error_set(error, "%.300s %s", subject->path, text);
    return why;
}

/* ---- AT_SECURE: the loader ignores LD_PRELOAD ---------------------------- */

/* cap_bprm_creds_from_file() in security/commoncap.c: ids that differ after the
 * exec, or capabilities gained, unless the real user is root anyway. */
static enum watchable check_privileges(const struct subject *subject, int fd, const struct stat *st,
                                       struct error *error)
{
    struct statvfs volume;
    bool inert = prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) == 1 ||
                 (statvfs(subject->path, &volume) == 0 && (volume.f_flag & ST_NOSUID));
    bool set_user = !inert && (st->st_mode & S_ISUID);
    /* without the execute bit, set-group-ID once meant mandatory locking */
    bool set_group = !inert && (st->st_mode & S_ISGID) && (st->st_mode & S_IXGRP);
    if ((set_user && st->st_uid != getuid()) || (set_group && st->st_gid != getgid())) {
        set_why(subject, set_user && st->st_uid != getuid() ? UNWATCHED_SETUID : UNWATCHED_SETGID);
        return refuse(WATCHABLE_NEVER, subject, error,
                      "is set-%s-ID: the loader ignores LD_PRELOAD where a program changes its privileges. "
                      "Run threadleak as the %s it changes to, or watch a copy without the bit.",
                      set_user && st->st_uid != getuid() ? "user" : "group",
                      set_user && st->st_uid != getuid() ? "user" : "group");
    }
    bool has_capabilities = fd >= 0 && fgetxattr(fd, "security.capability", NULL, 0) > 0;
    if (!inert && getuid() != 0 && has_capabilities) {
        set_why(subject, UNWATCHED_CAPABILITIES);
        return refuse(
            WATCHABLE_NEVER, subject, error,
            "has file capabilities: the loader ignores LD_PRELOAD where a program gains privileges. "
            "Run threadleak as root, or watch a copy without them (a plain cp drops them).");
    }
    return WATCHABLE;
}

/* ---- ELF files -------------------------------------------------------------------- */

static bool same_file(const char *a, const char *b)
{
    struct stat sa, sb;
    return stat(a, &sa) == 0 && stat(b, &sb) == 0 && sa.st_dev == sb.st_dev && sa.st_ino == sb.st_ino;
}

static enum watchable refuse_architecture(const struct subject *subject, const struct elf_head *head,
                                          struct error *error)
{
    const struct elf_head ours = {.class = OUR_ELF_CLASS, .machine = OUR_ELF_MACHINE};
    char scratch[64];
    set_why(subject, UNWATCHED_ARCHITECTURE);
    return refuse(WATCHABLE_NEVER, subject, error,
                  "is a %s program, this threadleak is for %s: its library cannot be loaded there. "
                  "Use a threadleak that was built for that architecture.",
                  elf_machine_name(head, scratch, sizeof(scratch)), elf_machine_name(&ours, NULL, 0));
}

/* head->loader is "" for a static program, and for the loader itself. If a user starts the loader by its
 * name, it also preloads into the program that it loads. */
static enum watchable check_loader(const struct subject *subject, const struct elf_head *head,
                                   struct error *error)
{
    const char *own = elf_own_loader();
    if (!*head->loader && own && same_file(own, subject->path))
        return WATCHABLE;
    if (!*head->loader) {
        set_why(subject, UNWATCHED_STATIC);
        return refuse(WATCHABLE_NEVER, subject, error,
                      "is statically linked: no library can be preloaded into it. Link it dynamically, "
                      "or use 'threadleak report PID' for its current stacks.");
    }
    if (!own || strcmp(path_basename(own), path_basename(head->loader)) == 0 || same_file(own, head->loader))
        return WATCHABLE;
    set_why(subject, UNWATCHED_LIBC);
    return refuse(WATCHABLE_NEVER, subject, error,
                  "uses another C library (loader %.60s; this threadleak: %.60s). Build it, or threadleak, "
                  "with the other's.",
                  head->loader, own);
}

static enum watchable check_elf(const struct subject *subject, int fd, struct error *error)
{
    struct elf_head head;
    switch (elf_head_read(fd, &head)) {
    case ELF_DAMAGED:
        return refuse(WATCHABLE_NOT_EXECUTABLE, subject, error,
                      "is not a program: its ELF header is damaged, or "
                      "that of another kind of file");
    case ELF_FOREIGN:
        return refuse_architecture(subject, &head, error);
    case ELF_UNREAD: /* the kernel judges it */
        return WATCHABLE;
    case ELF_OK:
        break;
    }
    return check_loader(subject, &head, error);
}

/* ---- PATH ------------------------------------------------------------------------- */

static bool can_run(const char *path)
{
    struct stat st;
    return stat(path, &st) == 0 && S_ISREG(st.st_mode) && faccessat(AT_FDCWD, path, X_OK, AT_EACCESS) == 0;
}

/* Like execvp(3), remembers a file that may not be executed, and continues the search. */
static bool search_path(const char *command, char path[PATH_MAX])
{
    if (strchr(command, '/'))
        return snprintf(path, PATH_MAX, "%s", command) < PATH_MAX;
    const char *directories = getenv("PATH");
    bool found = false;
    for (const char *at = directories ? directories : "/bin:/usr/bin"; *command; at++) {
        size_t length = strcspn(at, ":");
        char candidate[PATH_MAX];
        int size =
            snprintf(candidate, sizeof(candidate), "%.*s%s%s", (int)length, at, length ? "/" : "", command);
        if (size < PATH_MAX && access(candidate, F_OK) == 0 && (!found || can_run(candidate))) {
            memcpy(path, candidate, (size_t)size + 1);
            found = true;
            if (can_run(candidate))
                return true;
        }
        at += length;
        if (!*at)
            break;
    }
    return found;
}

/* ---- scripts ------------------------------------------------------------------------ */

static enum watchable check_interpreter(const struct subject *script, char *line, size_t length,
                                        struct error *error)
{
    char *interpreter, *argument, path[PATH_MAX];
    if (!script_head_read(line, length, &interpreter, &argument))
        return refuse(WATCHABLE_NOT_EXECUTABLE, script, error, "names no interpreter after '#!'");
    struct subject next = {script->command ? script->command : script->path, interpreter, script->level + 1,
                           script->why};
    if (next.level > LEVELS_MAX)
        return refuse(WATCHABLE_NOT_EXECUTABLE, script, error, "has too many levels of interpreters");
    enum watchable answer = check_file(&next, error);
    const char *program = script_env_program(interpreter, argument);
    if (answer != WATCHABLE || !program || !search_path(program, path))
        return answer;
    /* env itself reports what it cannot run. */
    next.path = path;
    answer = check_file(&next, error);
    return answer == WATCHABLE_NEVER ? answer : WATCHABLE;
}

/* ---- any file ------------------------------------------------------------------------- */

static enum watchable check_contents(const struct subject *subject, int fd, struct error *error)
{
    char head[SCRIPT_HEAD_SIZE + 1];
    ssize_t got = pread(fd, head, SCRIPT_HEAD_SIZE, 0);
    if (got < 0)
        return WATCHABLE;
    size_t length = (size_t)got;
    head[length] = '\0';
    if (length >= SELFMAG && !memcmp(head, ELFMAG, SELFMAG))
        return check_elf(subject, fd, error);
    if (length >= 2 && head[0] == '#' && head[1] == '!')
        return check_interpreter(subject, head, length, error);
    if (memchr(head, 0, length))
        return refuse(WATCHABLE_NOT_EXECUTABLE, subject, error, "is not a program: its format is not known");
    /* If the kernel refuses a file, execvp(3) runs it with the shell. */
    return WATCHABLE;
}

static enum watchable check_file(const struct subject *subject, struct error *error)
{
    struct stat st;
    if (stat(subject->path, &st) < 0)
        return refuse(errno == ENOENT || errno == ENOTDIR ? WATCHABLE_NOT_FOUND : WATCHABLE_NOT_EXECUTABLE,
                      subject, error, "cannot be run: %s", strerror(errno));
    if (!S_ISREG(st.st_mode))
        return refuse(WATCHABLE_NOT_EXECUTABLE, subject, error, "cannot be run: it is not a regular file");
    if (faccessat(AT_FDCWD, subject->path, X_OK, AT_EACCESS) < 0)
        return refuse(WATCHABLE_NOT_EXECUTABLE, subject, error, "cannot be run: %s", strerror(errno));
    int fd = open(subject->path, O_RDONLY | O_CLOEXEC);
    enum watchable answer = WATCHABLE;
    char magic[2] = "";
    /* Only a program changes privileges, a script does not. */
    if (fd < 0 || pread(fd, magic, 2, 0) != 2 || memcmp(magic, "#!", 2))
        answer = check_privileges(subject, fd, &st, error);
    if (answer == WATCHABLE && fd >= 0)
        answer = check_contents(subject, fd, error);
    if (fd >= 0)
        close(fd);
    return answer;
}

enum watchable watchable_file(const char *path, struct error *error)
{
    return check_file(&(struct subject){NULL, path, 0, NULL}, error);
}

enum watchable watchable_command(const char *command, char path[PATH_MAX], struct error *error)
{
    path[0] = '\0';
    if (search_path(command, path))
        return watchable_file(path, error);
    error_set(error, "%.200s: not found%s", *command ? command : "''",
              strchr(command, '/') ? "" : " in PATH");
    return WATCHABLE_NOT_FOUND;
}

enum unwatched_why watchable_why_not(const char *command, char path[PATH_MAX])
{
    enum unwatched_why why = UNWATCHED_NOT;
    struct error error;
    path[0] = '\0';
    if (!search_path(command, path))
        return UNWATCHED_NOT;
    /* The search can find a reason that is not the result. */
    return check_file(&(struct subject){NULL, path, 0, &why}, &error) == WATCHABLE_NEVER ? why
                                                                                         : UNWATCHED_NOT;
}
