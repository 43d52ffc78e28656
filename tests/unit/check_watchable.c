/* Which programs can be watched. */
#include <errno.h>
#include <linux/capability.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/wait.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "base/elf.h"
#include "cli/common/program_head.h"
#include "program_made.h"
#include "suite.h"

START_TEST(real_programs)
{
    char path[PATH_MAX];
    ck_assert_int_eq(watchable_command("sh", path, &watchable_error), WATCHABLE);
    ck_assert_ptr_nonnull(strstr(path, "/sh"));
    expect_watchable("/proc/self/exe", WATCHABLE, NULL);
    expect_watchable(elf_own_loader(), WATCHABLE, NULL);
}
END_TEST

START_TEST(loaders)
{
    struct made_elf elf = made(elf_own_loader());
    expect_watchable(make_elf("a", &elf), WATCHABLE, NULL);
    elf = made("/lib/ld-musl-x86_64.so.1");
    expect_watchable(make_elf("a", &elf), WATCHABLE_NEVER,
                     "a uses another C library (loader /lib/ld-musl-x86_64.so.1;");
    /* another copy of the same C library */
    char other[64];
    snprintf(other, sizeof(other), "/nix/%s", strrchr(elf_own_loader(), '/') + 1);
    elf = made(other);
    expect_watchable(make_elf("a", &elf), WATCHABLE, NULL);
}
END_TEST

START_TEST(static_programs)
{
    struct made_elf elf = made(NULL);
    expect_watchable(make_elf("a", &elf), WATCHABLE_NEVER,
                     "/a is statically linked: no library can be preloaded into it. Link it dynamically, "
                     "or use 'threadleak report PID' for its current stacks.");
    elf.head.e_type = ET_EXEC;
    expect_watchable(make_elf("a", &elf), WATCHABLE_NEVER, "is statically linked");
}
END_TEST

START_TEST(other_architectures)
{
    struct made_elf elf = made(NULL);
    elf.head.e_ident[EI_CLASS] = ELFCLASS32;
    elf.head.e_machine = EM_386;
    expect_watchable(make_elf("a", &elf), WATCHABLE_NEVER,
                     "is a 32-bit x86 program, this threadleak is for ");
    elf = made("/lib/ld.so");
    elf.head.e_machine = OUR_ELF_MACHINE == EM_AARCH64 ? EM_X86_64 : EM_AARCH64;
    expect_watchable(make_elf("a", &elf), WATCHABLE_NEVER,
                     OUR_ELF_MACHINE == EM_AARCH64 ? "x86-64" : "aarch64");
    elf.head.e_machine = 0x1234;
    expect_watchable(make_elf("a", &elf), WATCHABLE_NEVER, "64-bit machine number 4660");
    elf.head.e_ident[EI_DATA] = OUR_ELF_BYTE_ORDER == ELFDATA2LSB ? ELFDATA2MSB : ELFDATA2LSB;
    elf.head.e_machine = __builtin_bswap16(EM_S390);
    expect_watchable(make_elf("a", &elf), WATCHABLE_NEVER, "s390x");
}
END_TEST

START_TEST(damaged_programs)
{
    struct made_elf elf = made("/lib/ld.so");
    for (size_t size = 4; size < sizeof(Elf64_Ehdr) + sizeof(Elf64_Phdr); size++)
        expect_watchable(make_file("a", &elf, size, 0755), WATCHABLE_NOT_EXECUTABLE, "ELF header is damaged");
    elf.head.e_type = ET_REL;
    expect_watchable(make_elf("a", &elf), WATCHABLE_NOT_EXECUTABLE, NULL);
    elf = made("/lib/ld.so");
    elf.head.e_phoff = UINT64_MAX - 8;
    expect_watchable(make_elf("a", &elf), WATCHABLE_NOT_EXECUTABLE, NULL);
    elf = made("/lib/ld.so");
    elf.head.e_phentsize = 1;
    expect_watchable(make_elf("a", &elf), WATCHABLE_NOT_EXECUTABLE, NULL);
    elf = made("/lib/ld.so");
    elf.segment.p_filesz = 1 << 20;
    expect_watchable(make_elf("a", &elf), WATCHABLE_NOT_EXECUTABLE, NULL);
    elf.segment.p_filesz = 3; /* not terminated */
    expect_watchable(make_elf("a", &elf), WATCHABLE_NOT_EXECUTABLE, NULL);
    elf.segment.p_filesz = 11;
    elf.segment.p_offset = UINT64_MAX - 3;
    expect_watchable(make_elf("a", &elf), WATCHABLE_NOT_EXECUTABLE, NULL);
    expect_watchable(make_file("a", "\0\1\2", 3, 0755), WATCHABLE_NOT_EXECUTABLE, "its format is not known");
}
END_TEST

START_TEST(files_that_cannot_run)
{
    struct made_elf elf = made(elf_own_loader());
    expect_watchable("/nonexistent/x", WATCHABLE_NOT_FOUND,
                     "/nonexistent/x cannot be run: No such file or directory");
    expect_watchable(program_directory, WATCHABLE_NOT_EXECUTABLE, "not a regular file");
    expect_watchable(make_file("a", &elf, sizeof(elf), 0644), WATCHABLE_NOT_EXECUTABLE, "Permission denied");
    /* execvp gives them to the shell */
    expect_watchable(make_file("a", "", 0, 0755), WATCHABLE, NULL);
    expect_watchable(script("a", "exit 0\n"), WATCHABLE, NULL);
}
END_TEST

static bool skip_privileges(void)
{
    struct statvfs volume;
    bool skip = geteuid() != 0 || statvfs(program_directory, &volume) < 0 || (volume.f_flag & ST_NOSUID);
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
    expect_watchable(path, WATCHABLE, NULL);
    ck_assert_int_eq(chown(path, 12345, 0), 0);
    ck_assert_int_eq(chmod(path, 04755), 0);
    expect_watchable(path, WATCHABLE_NEVER, "/a is set-user-ID: the loader ignores LD_PRELOAD");
    ck_assert_int_eq(chown(path, 0, 12345), 0);
    ck_assert_int_eq(chmod(path, 02755), 0);
    expect_watchable(path, WATCHABLE_NEVER, "/a is set-group-ID: the loader ignores LD_PRELOAD");
    ck_assert_int_eq(chmod(path, 02745), 0);
    expect_watchable(path, WATCHABLE, NULL);
    /* a script's own bits mean nothing */
    path = script("b", "#!/bin/sh\n");
    ck_assert_int_eq(chown(path, 12345, 12345), 0);
    ck_assert_int_eq(chmod(path, 06755), 0);
    expect_watchable(path, WATCHABLE, NULL);
}
END_TEST

static enum watchable as_nobody(const char *path)
{
    pid_t child = fork();
    ck_assert_int_ge(child, 0);
    if (!child) {
        if (setgid(65534) < 0 || setuid(65534) < 0)
            _exit(99);
        _exit(watchable_file(path, &watchable_error));
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
    expect_watchable(path, WATCHABLE, NULL);
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
    expect_why(program_directory, UNWATCHED_NOT);
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
    tcase_add_checked_fixture(tests, program_made_setup, NULL);
    tcase_add_test(tests, real_programs);
    tcase_add_test(tests, loaders);
    tcase_add_test(tests, static_programs);
    tcase_add_test(tests, other_architectures);
    tcase_add_test(tests, damaged_programs);
    tcase_add_test(tests, files_that_cannot_run);
    tcase_add_test(tests, changed_privileges);
    tcase_add_test(tests, file_capabilities);
    tcase_add_test(tests, reasons);
    return suite_run("watchable", tests);
}
