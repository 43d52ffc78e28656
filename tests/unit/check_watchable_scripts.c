/* Scripts, env and PATH lead to a program, which decides. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli/common/program_head.h"
#include "program_made.h"
#include "suite.h"

START_TEST(scripts_lead_to_their_interpreter)
{
    char text[512];
    struct made_elf elf = made(NULL);
    const char *bad = make_elf("a", &elf);
    expect_watchable(script("b", "#!/bin/sh\n"), WATCHABLE, NULL);
    expect_watchable(script("b", "#! \t/bin/sh -x y  "), WATCHABLE, NULL);
    expect_watchable(script("b", "#!/nonexistent/sh\n"), WATCHABLE_NOT_FOUND,
                     "/b: its interpreter /nonexistent/sh cannot be run: No such file");
    expect_watchable(script("b", "#!  \n/bin/sh\n"), WATCHABLE_NOT_EXECUTABLE, "names no interpreter");
    snprintf(text, sizeof(text), "#!%s -a -b\necho", bad);
    expect_watchable(script("b", text), WATCHABLE_NEVER, "/b: its interpreter /tmp/threadleak-unit.");
    /* by way of another script */
    snprintf(text, sizeof(text), "#!%s/b\n", program_directory);
    expect_watchable(script("c", text), WATCHABLE_NEVER, "/a is statically linked");
    memset(text, 'x', sizeof(text));
    memcpy(text, "#!/", 3);
    expect_watchable(make_file("b", text, sizeof(text), 0755), WATCHABLE_NOT_EXECUTABLE, NULL);
}
END_TEST

START_TEST(scripts_end_somewhere)
{
    char text[128];
    const char *last = script("a", "#!/bin/sh\n");
    for (char name[2] = "b"; name[0] <= 'e'; name[0]++) {
        snprintf(text, sizeof(text), "#!%s\n", last);
        last = script(name, text);
        expect_watchable(last, WATCHABLE, NULL);
    }
    snprintf(text, sizeof(text), "#!%s\n", last);
    expect_watchable(script("f", text), WATCHABLE_NOT_EXECUTABLE, "too many levels");
    snprintf(text, sizeof(text), "#!%s/g\n", program_directory);
    expect_watchable(script("g", text), WATCHABLE_NOT_EXECUTABLE, "too many levels");
}
END_TEST

START_TEST(env_leads_on)
{
    char text[256];
    struct made_elf elf = made(NULL);
    const char *bad = make_elf("a", &elf);
    snprintf(text, sizeof(text), "#!/usr/bin/env %s\n", bad);
    expect_watchable(script("b", text), WATCHABLE_NEVER, "is statically linked");
    snprintf(text, sizeof(text), "#!/usr/bin/env -S %s -x\n", bad);
    expect_watchable(script("b", text), WATCHABLE_NEVER, "is statically linked");
    expect_watchable(script("b", "#!/usr/bin/env sh\n"), WATCHABLE, NULL);
    expect_watchable(script("b", "#!/usr/bin/env no-such-program\n"), WATCHABLE, NULL);
    expect_watchable(script("b", "#!/usr/bin/env A=1 no-such-program\n"), WATCHABLE, NULL);
    expect_watchable(script("b", "#!/usr/bin/env\n"), WATCHABLE, NULL);
    snprintf(text, sizeof(text), "#!/usr/bin/env %s/b\n", program_directory);
    expect_watchable(script("b", text), WATCHABLE, NULL);
}
END_TEST

START_TEST(path_is_searched_as_execvp_does)
{
    char path[PATH_MAX], variable[512];
    struct made_elf elf = made(elf_own_loader());
    snprintf(variable, sizeof(variable), "/nonexistent:%s:/bin:/usr/bin", program_directory);
    ck_assert_int_eq(setenv("PATH", variable, 1), 0);
    ck_assert_int_eq(watchable_command("a", path, &watchable_error), WATCHABLE_NOT_FOUND);
    ck_assert_str_eq(watchable_error.text, "a: not found in PATH");
    const char *own = make_elf("a", &elf);
    ck_assert_int_eq(watchable_command("a", path, &watchable_error), WATCHABLE);
    ck_assert_str_eq(path, own);
    ck_assert_int_eq(watchable_command("", path, &watchable_error), WATCHABLE_NOT_FOUND);
    /* what may not be run is passed over for what may */
    snprintf(path, sizeof(path), "%s/sh", program_directory);
    ck_assert_int_eq(mkdir(path, 0755), 0);
    ck_assert_int_eq(watchable_command("sh", path, &watchable_error), WATCHABLE);
    ck_assert(!strcmp(path, "/bin/sh") || !strcmp(path, "/usr/bin/sh"));
    snprintf(path, sizeof(path), "%s/sh", program_directory);
    rmdir(path);
    ck_assert_int_eq(chmod(own, 0644), 0);
    ck_assert_int_eq(watchable_command("a", path, &watchable_error), WATCHABLE_NOT_EXECUTABLE);
    /* an empty entry is the working program_directory; no PATH is the system's */
    ck_assert_int_eq(chmod(own, 0755), 0);
    ck_assert_int_eq(chdir(program_directory), 0);
    ck_assert_int_eq(setenv("PATH", "/bin::", 1), 0);
    ck_assert_int_eq(watchable_command("a", path, &watchable_error), WATCHABLE);
    ck_assert_str_eq(path, "a");
    ck_assert_int_eq(unsetenv("PATH"), 0);
    ck_assert_int_eq(watchable_command("sh", path, &watchable_error), WATCHABLE);
    ck_assert_str_eq(path, "/bin/sh");
    ck_assert_int_eq(chdir("/"), 0);
}
END_TEST

int main(void)
{
    TCase *tests = tcase_create("scripts");
    tcase_add_checked_fixture(tests, program_made_setup, NULL);
    tcase_add_test(tests, scripts_lead_to_their_interpreter);
    tcase_add_test(tests, scripts_end_somewhere);
    tcase_add_test(tests, env_leads_on);
    tcase_add_test(tests, path_is_searched_as_execvp_does);
    return suite_run("watchable_scripts", tests);
}
