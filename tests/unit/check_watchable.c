#include <errno.h>
#include <linux/capability.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/wait.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "base/elf.h"
#include "cli/common/program_head.h"
#include "cli/common/watchable.h"
#include "suite.h"

static char directory[64];
static struct error error;

static void setup(void)
{
    strcpy(directory, "/tmp/check_watchable.XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(directory));
    ck_assert_int_eq(chmod(directory, 0755), 0);
    error.text[0] = '\0';
}

static void teardown(void)
{
    static const char *const names[] = {"a", "b", "c", "d", "e", "f", "g"};
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        char path[128];
        snprintf(path, sizeof(path), "%s/%s", directory, names[i]);
        unlink(path);
    }
    rmdir(directory);
}

static const char *make(const char *name, const void *bytes, size_t length, mode_t mode)
{
    static char paths[32][128];
    static unsigned turn;
    char *path = paths[turn++ % 32];
    snprintf(path, sizeof(paths[0]), "%s/%s", directory, name);
    FILE *file = fopen(path, "w");
    ck_assert_ptr_nonnull(file);
    ck_assert_uint_eq(fwrite(bytes, 1, length, file), length);
    ck_assert_int_eq(fclose(file), 0);
    ck_assert_int_eq(chmod(path, mode), 0);
    return path;
}

static const char *script(const char *name, const char *text)
{
    return make(name, text, strlen(text), 0755);
}

/* An ELF file of our own kind, of one segment, that a test then spoils. */
struct made_elf {
    Elf64_Ehdr head;
    Elf64_Phdr segment;
    char loader[64];
};

static struct made_elf made(const char *loader)
{
    struct made_elf elf = {
        .head = {.e_type = ET_DYN,
                 .e_machine = (Elf64_Half)OUR_ELF_MACHINE,
                 .e_phoff = sizeof(Elf64_Ehdr),
                 .e_phentsize = sizeof(Elf64_Phdr),
                 .e_phnum = 1},
        .segment = {.p_type = loader ? PT_INTERP : PT_LOAD,
                    .p_offset = offsetof(struct made_elf, loader),
                    .p_filesz = loader ? strlen(loader) + 1 : 0},
    };
    memcpy(elf.head.e_ident, ELFMAG, SELFMAG);
    elf.head.e_ident[EI_CLASS] = (unsigned char)OUR_ELF_CLASS;
    elf.head.e_ident[EI_DATA] = (unsigned char)OUR_ELF_BYTE_ORDER;
    strcpy(elf.loader, loader ? loader : "");
    return elf;
}

static const char *make_elf(const char *name, const struct made_elf *elf)
{
    return make(name, elf, sizeof(*elf), 0755);
}

static void expect(const char *path, enum watchable expected, const char *said)
{
    error.text[0] = '\0';
    enum watchable answer = watchable_file(path, &error);
    ck_assert_msg(answer == expected, "%s: %d instead of %d: %s", path, answer, expected, error.text);
    ck_assert_msg(!said || strstr(error.text, said), "'%s' lacks '%s'", error.text, said);
    ck_assert_ptr_null(strchr(error.text, '\n'));
}

START_TEST(real_programs)
{
    char path[PATH_MAX];
    ck_assert_int_eq(watchable_command("sh", path, &error), WATCHABLE);
    ck_assert_ptr_nonnull(strstr(path, "/sh"));
    expect("/proc/self/exe", WATCHABLE, NULL);
    expect(elf_own_loader(), WATCHABLE, NULL);
}
END_TEST

START_TEST(loaders)
{
    struct made_elf elf = made(elf_own_loader());
    expect(make_elf("a", &elf), WATCHABLE, NULL);
    elf = made("/lib/ld-musl-x86_64.so.1");
    expect(make_elf("a", &elf), WATCHABLE_NEVER,
           "a uses another C library (loader /lib/ld-musl-x86_64.so.1;");
    /* another copy of the same C library */
    char other[64];
    snprintf(other, sizeof(other), "/nix/%s", strrchr(elf_own_loader(), '/') + 1);
    elf = made(other);
    expect(make_elf("a", &elf), WATCHABLE, NULL);
}
END_TEST

START_TEST(static_programs)
{
    struct made_elf elf = made(NULL);
    expect(make_elf("a", &elf), WATCHABLE_NEVER,
           "/a is statically linked: no library can be preloaded into it. Link it dynamically, "
           "or use 'threadleak report PID' for its current stacks.");
    elf.head.e_type = ET_EXEC;
    expect(make_elf("a", &elf), WATCHABLE_NEVER, "is statically linked");
}
END_TEST

START_TEST(other_architectures)
{
    struct made_elf elf = made(NULL);
    elf.head.e_ident[EI_CLASS] = ELFCLASS32;
    elf.head.e_machine = EM_386;
    expect(make_elf("a", &elf), WATCHABLE_NEVER, "is a 32-bit x86 program, this threadleak is for ");
    elf = made("/lib/ld.so");
    elf.head.e_machine = OUR_ELF_MACHINE == EM_AARCH64 ? EM_X86_64 : EM_AARCH64;
    expect(make_elf("a", &elf), WATCHABLE_NEVER, OUR_ELF_MACHINE == EM_AARCH64 ? "x86-64" : "aarch64");
    elf.head.e_machine = 0x1234;
    expect(make_elf("a", &elf), WATCHABLE_NEVER, "64-bit machine number 4660");
    elf.head.e_ident[EI_DATA] = OUR_ELF_BYTE_ORDER == ELFDATA2LSB ? ELFDATA2MSB : ELFDATA2LSB;
    elf.head.e_machine = __builtin_bswap16(EM_S390);
    expect(make_elf("a", &elf), WATCHABLE_NEVER, "s390x");
}
END_TEST

START_TEST(damaged_programs)
{
    struct made_elf elf = made("/lib/ld.so");
    for (size_t size = 4; size < sizeof(Elf64_Ehdr) + sizeof(Elf64_Phdr); size++)
        expect(make("a", &elf, size, 0755), WATCHABLE_NOT_EXECUTABLE, "ELF header is damaged");
    elf.head.e_type = ET_REL;
    expect(make_elf("a", &elf), WATCHABLE_NOT_EXECUTABLE, NULL);
    elf = made("/lib/ld.so");
    elf.head.e_phoff = UINT64_MAX - 8;
    expect(make_elf("a", &elf), WATCHABLE_NOT_EXECUTABLE, NULL);
    elf = made("/lib/ld.so");
    elf.head.e_phentsize = 1;
    expect(make_elf("a", &elf), WATCHABLE_NOT_EXECUTABLE, NULL);
    elf = made("/lib/ld.so");
    elf.segment.p_filesz = 1 << 20;
    expect(make_elf("a", &elf), WATCHABLE_NOT_EXECUTABLE, NULL);
    elf.segment.p_filesz = 3; /* not terminated */
    expect(make_elf("a", &elf), WATCHABLE_NOT_EXECUTABLE, NULL);
    elf.segment.p_filesz = 11;
    elf.segment.p_offset = UINT64_MAX - 3;
    expect(make_elf("a", &elf), WATCHABLE_NOT_EXECUTABLE, NULL);
    expect(make("a", "\0\1\2", 3, 0755), WATCHABLE_NOT_EXECUTABLE, "its format is not known");
}
END_TEST

START_TEST(files_that_cannot_run)
{
    struct made_elf elf = made(elf_own_loader());
    expect("/nonexistent/x", WATCHABLE_NOT_FOUND, "/nonexistent/x cannot be run: No such file or directory");
    expect(directory, WATCHABLE_NOT_EXECUTABLE, "not a regular file");
    expect(make("a", &elf, sizeof(elf), 0644), WATCHABLE_NOT_EXECUTABLE, "Permission denied");
    /* execvp gives them to the shell */
    expect(make("a", "", 0, 0755), WATCHABLE, NULL);
    expect(script("a", "exit 0\n"), WATCHABLE, NULL);
}
END_TEST

START_TEST(scripts_lead_to_their_interpreter)
{
    char text[512];
    struct made_elf elf = made(NULL);
    const char *bad = make_elf("a", &elf);
    expect(script("b", "#!/bin/sh\n"), WATCHABLE, NULL);
    expect(script("b", "#! \t/bin/sh -x y  "), WATCHABLE, NULL);
    expect(script("b", "#!/nonexistent/sh\n"), WATCHABLE_NOT_FOUND,
           "/b: its interpreter /nonexistent/sh cannot be run: No such file");
    expect(script("b", "#!  \n/bin/sh\n"), WATCHABLE_NOT_EXECUTABLE, "names no interpreter");
    snprintf(text, sizeof(text), "#!%s -a -b\necho", bad);
    expect(script("b", text), WATCHABLE_NEVER, "/b: its interpreter /tmp/check_watchable.");
    /* by way of another script */
    snprintf(text, sizeof(text), "#!%s/b\n", directory);
    expect(script("c", text), WATCHABLE_NEVER, "/a is statically linked");
    memset(text, 'x', sizeof(text));
    memcpy(text, "#!/", 3);
    expect(make("b", text, sizeof(text), 0755), WATCHABLE_NOT_EXECUTABLE, NULL);
}
END_TEST

START_TEST(scripts_end_somewhere)
{
    char text[128];
    const char *last = script("a", "#!/bin/sh\n");
    for (char name[2] = "b"; name[0] <= 'e'; name[0]++) {
        snprintf(text, sizeof(text), "#!%s\n", last);
        last = script(name, text);
        expect(last, WATCHABLE, NULL);
    }
    snprintf(text, sizeof(text), "#!%s\n", last);
    expect(script("f", text), WATCHABLE_NOT_EXECUTABLE, "too many levels");
    snprintf(text, sizeof(text), "#!%s/g\n", directory);
    expect(script("g", text), WATCHABLE_NOT_EXECUTABLE, "too many levels");
}
END_TEST

START_TEST(env_leads_on)
{
    char text[256];
    struct made_elf elf = made(NULL);
    const char *bad = make_elf("a", &elf);
    snprintf(text, sizeof(text), "#!/usr/bin/env %s\n", bad);
    expect(script("b", text), WATCHABLE_NEVER, "is statically linked");
    snprintf(text, sizeof(text), "#!/usr/bin/env -S %s -x\n", bad);
    expect(script("b", text), WATCHABLE_NEVER, "is statically linked");
    expect(script("b", "#!/usr/bin/env sh\n"), WATCHABLE, NULL);
    expect(script("b", "#!/usr/bin/env no-such-program\n"), WATCHABLE, NULL);
    expect(script("b", "#!/usr/bin/env A=1 no-such-program\n"), WATCHABLE, NULL);
    expect(script("b", "#!/usr/bin/env\n"), WATCHABLE, NULL);
    snprintf(text, sizeof(text), "#!/usr/bin/env %s/b\n", directory);
    expect(script("b", text), WATCHABLE, NULL);
}
END_TEST

START_TEST(path_is_searched_as_execvp_does)
{
    char path[PATH_MAX], variable[512];
    struct made_elf elf = made(elf_own_loader());
    snprintf(variable, sizeof(variable), "/nonexistent:%s:/bin:/usr/bin", directory);
    ck_assert_int_eq(setenv("PATH", variable, 1), 0);
    ck_assert_int_eq(watchable_command("a", path, &error), WATCHABLE_NOT_FOUND);
    ck_assert_str_eq(error.text, "a: not found in PATH");
    const char *own = make_elf("a", &elf);
    ck_assert_int_eq(watchable_command("a", path, &error), WATCHABLE);
    ck_assert_str_eq(path, own);
    ck_assert_int_eq(watchable_command("", path, &error), WATCHABLE_NOT_FOUND);
    /* what may not be run is passed over for what may */
    snprintf(path, sizeof(path), "%s/sh", directory);
    ck_assert_int_eq(mkdir(path, 0755), 0);
    ck_assert_int_eq(watchable_command("sh", path, &error), WATCHABLE);
    ck_assert(!strcmp(path, "/bin/sh") || !strcmp(path, "/usr/bin/sh"));
    snprintf(path, sizeof(path), "%s/sh", directory);
    rmdir(path);
    ck_assert_int_eq(chmod(own, 0644), 0);
    ck_assert_int_eq(watchable_command("a", path, &error), WATCHABLE_NOT_EXECUTABLE);
    /* an empty entry is the working directory; no PATH is the system's */
    ck_assert_int_eq(chmod(own, 0755), 0);
    ck_assert_int_eq(chdir(directory), 0);
    ck_assert_int_eq(setenv("PATH", "/bin::", 1), 0);
    ck_assert_int_eq(watchable_command("a", path, &error), WATCHABLE);
    ck_assert_str_eq(path, "a");
    ck_assert_int_eq(unsetenv("PATH"), 0);
    ck_assert_int_eq(watchable_command("sh", path, &error), WATCHABLE);
    ck_assert_str_eq(path, "/bin/sh");
    ck_assert_int_eq(chdir("/"), 0);
}
END_TEST

static bool skip_privileges(void)
{
    struct statvfs volume;
    bool skip = geteuid() != 0 || statvfs(directory, &volume) < 0 || (volume.f_flag & ST_NOSUID);
    if (skip)
        fprintf(stderr, "SKIP: set-user-ID files need root and a /tmp that is not nosuid\n");
    return skip;
}

START_TEST(changed_privileges)
{
    if (skip_privileges())
        return;
    struct made_elf elf = made(elf_own_loader());
    const char *path = make_elf("a", &elf);
    /* to root, as root: nothing changes */
    ck_assert_int_eq(chmod(path, 06755), 0);
    expect(path, WATCHABLE, NULL);
    ck_assert_int_eq(chown(path, 12345, 0), 0);
    ck_assert_int_eq(chmod(path, 04755), 0);
    expect(path, WATCHABLE_NEVER, "/a is set-user-ID: the loader ignores LD_PRELOAD");
    ck_assert_int_eq(chown(path, 0, 12345), 0);
    ck_assert_int_eq(chmod(path, 02755), 0);
    expect(path, WATCHABLE_NEVER, "/a is set-group-ID: the loader ignores LD_PRELOAD");
    ck_assert_int_eq(chmod(path, 02745), 0);
    expect(path, WATCHABLE, NULL);
    /* a script's own bits mean nothing */
    path = script("b", "#!/bin/sh\n");
    ck_assert_int_eq(chown(path, 12345, 12345), 0);
    ck_assert_int_eq(chmod(path, 06755), 0);
    expect(path, WATCHABLE, NULL);
}
END_TEST

static enum watchable as_nobody(const char *path)
{
    pid_t child = fork();
    ck_assert_int_ge(child, 0);
    if (!child) {
        if (setgid(65534) < 0 || setuid(65534) < 0)
            _exit(99);
        _exit(watchable_file(path, &error));
    }
    int status;
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    ck_assert(WIFEXITED(status));
    return (enum watchable)WEXITSTATUS(status);
}

START_TEST(file_capabilities)
{
    if (skip_privileges())
        return;
    struct made_elf elf = made(elf_own_loader());
    const char *path = make_elf("a", &elf);
    struct vfs_cap_data caps = {.magic_etc = VFS_CAP_REVISION_2 | VFS_CAP_FLAGS_EFFECTIVE,
                                .data[0].permitted = 1u << CAP_NET_RAW};
    if (setxattr(path, "security.capability", &caps, sizeof(caps), 0) < 0) {
        fprintf(stderr, "SKIP: no file capabilities here: %s\n", strerror(errno));
        return;
    }
    expect(path, WATCHABLE, NULL);
    ck_assert_int_eq(as_nobody(path), WATCHABLE_NEVER);
    ck_assert_int_eq(removexattr(path, "security.capability"), 0);
    ck_assert_int_eq(as_nobody(path), WATCHABLE);
    ck_assert_int_eq(chmod(path, 04755), 0);
    ck_assert_int_eq(as_nobody(path), WATCHABLE_NEVER);
    /* not readable, but executable */
    ck_assert_int_eq(chmod(path, 0711), 0);
    ck_assert_int_eq(as_nobody(path), WATCHABLE);
}
END_TEST

static void expect_why(const char *command, enum unwatched_why why)
{
    char path[PATH_MAX];
    ck_assert_msg(watchable_why_not(command, path) == why, "%s: not %s", command, unwatched_why_name(why));
}

START_TEST(reasons)
{
    char path[PATH_MAX];
    struct made_elf elf = made(NULL);
    const char *program = make_elf("a", &elf);
    expect_why(program, UNWATCHED_STATIC);
    char text[160];
    snprintf(text, sizeof(text), "#!%s\n", program);
    expect_why(script("b", text), UNWATCHED_STATIC);
    elf = made("/lib/ld-musl-x86_64.so.1");
    expect_why(make_elf("c", &elf), UNWATCHED_LIBC);
    elf = made(elf_own_loader());
    expect_why(make_elf("d", &elf), UNWATCHED_NOT);
    elf.head.e_machine = EM_RISCV;
    expect_why(make_elf("e", &elf), UNWATCHED_ARCHITECTURE);
    expect_why(script("f", "nothing\n"), UNWATCHED_NOT);
    expect_why(directory, UNWATCHED_NOT);
    ck_assert_int_eq(watchable_why_not("no such program", path), UNWATCHED_NOT);
    ck_assert_str_eq(path, "");
    ck_assert_int_eq(watchable_why_not("sh", path), UNWATCHED_NOT);
    ck_assert_int_eq(path[0], '/');
    if (skip_privileges())
        return;
    elf = made(elf_own_loader());
    program = make_elf("g", &elf);
    ck_assert_int_eq(chown(program, 12345, 12345), 0);
    ck_assert_int_eq(chmod(program, 04755), 0);
    expect_why(program, UNWATCHED_SETUID);
    ck_assert_int_eq(chmod(program, 02755), 0);
    expect_why(program, UNWATCHED_SETGID);
}
END_TEST

int main(void)
{
    TCase *tests = tcase_create("watchable");
    tcase_add_checked_fixture(tests, setup, teardown);
    tcase_add_test(tests, real_programs);
    tcase_add_test(tests, loaders);
    tcase_add_test(tests, static_programs);
    tcase_add_test(tests, other_architectures);
    tcase_add_test(tests, damaged_programs);
    tcase_add_test(tests, files_that_cannot_run);
    tcase_add_test(tests, scripts_lead_to_their_interpreter);
    tcase_add_test(tests, scripts_end_somewhere);
    tcase_add_test(tests, env_leads_on);
    tcase_add_test(tests, path_is_searched_as_execvp_does);
    tcase_add_test(tests, changed_privileges);
    tcase_add_test(tests, file_capabilities);
    tcase_add_test(tests, reasons);
    return suite_run("watchable", tests);
}
