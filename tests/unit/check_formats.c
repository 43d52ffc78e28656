/* Every format of common/formats.def, on made-up reports.  Whole outputs are compared with
 * tests/golden/format_REPORT.FORMAT, which tests/e2e/formats.py gives to the programs that read them.
 * format_leaks.FORMAT must exist; for the other reports a golden is optional: create an empty file.
 *   UPDATE=1 build/tests/unit/check_formats      writes the goldens anew: read each before you keep it */
#include <errno.h>
#include <limits.h>
#include <locale.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/options.h"
#include "report/report.h"
#include "report/leak_text.h"
#include "report/source.h"
#include "suite.h"

/* What a program may call its things to break a document: no UTF-8, control characters, both ends
 * of a CDATA section, commands of runners, directives and escapes of each format. */
#define HOSTILE                                                                         \
    "a\033[1m\a\x7f\xff\xc0\xaf\xed\xa0\x80 ]]><![CDATA[ </pre></failure> & \"'\\ `|` " \
    "$(x)\n::error::x%0A\r\n"                                                           \
    "# SKIP\n...\n1..0\n\xc2\x9b\xe2\x80\xa8\xef\xbf\xbe\xef\xbf\xbf\xef\xbb\xbf\xf0\x9f\x98\x80,:%25"

static char pool_c[PATH_MAX];

/* ---- made-up reports ---------------------------------------------------------------- */

static const struct frame worker = {
    .pc = 0x5500000010f0, .offset = 0x10f0, .module = "/usr/bin/app", .function = "worker_loop"};
static struct frame stack[3], waiting_stack[2];
static struct shared_stack waiting = {.frames = waiting_stack, .count = 2};
static struct thread_stack current;
static struct thread_info threads[2];
static struct leak_group groups[2];
static struct process_report processes[4];
static struct unwatched child[1];
static char *command[] = {"./app", "-v", NULL}, *other_command[] = {"./test_pool", NULL};
static struct report report;

static struct frame frame_in(const char *function, const char *file, int line)
{
    return (struct frame){.pc = 0x550000001234,
                          .offset = 0x1234,
                          .module = "/usr/bin/app",
                          .function = function,
                          .file = file,
                          .line = line};
}

static void set_up_group(struct leak_group *group)
{
    stack[0] = frame_in("pool_start", pool_c, 42);
    stack[1] = frame_in("main", "/src/main.c", 10);
    stack[2] =
        (struct frame){.pc = 0x7f0000029d90, .offset = 0x29d90, .module = "/lib/libc.so.6", .runtime = true};
    waiting_stack[0] = frame_in("pthread_cond_wait", NULL, 0);
    waiting_stack[0].runtime = true;
    waiting_stack[1] = frame_in("worker_loop", pool_c, 27);
    current = (struct thread_stack){.tid = 4245,
                                    .source = STACK_SOURCE_PTRACE,
                                    .stack = &waiting,
                                    .idle_s = -1,
                                    .wait = {.on = WAIT_CONDVAR,
                                             .left_s = -1,
                                             .fd = -1,
                                             .what = "condvar wait on jobs_ready",
                                             .text = "condvar wait on jobs_ready, no timeout"}};
    for (int i = 0; i < 2; i++) {
        threads[i] = (struct thread_info){.id = 3 + (uint64_t)i,
                                          .tid = 4245 + i,
                                          .name = "worker",
                                          .created_by = 1,
                                          .age_s = 1.25,
                                          .ended_s = -1,
                                          .cpu_s = -1,
                                          .state = 'S',
                                          .current = &current};
    }
    *group = (struct leak_group){.kind = LEAK_RUNNING,
                                 .first_of_site = true,
                                 .counted = true,
                                 .fingerprint = "9f00000000000001",
                                 .start_routine = &worker,
                                 .stack = stack,
                                 .stack_count = 3,
                                 .user_frame = &stack[0],
                                 .threads = threads,
                                 .thread_count = 2};
}

/* One that leaked and had something suppressed, the same again, a test that is fine, one that is not judged.
 */
static void set_up(void)
{
    unsetenv("GITHUB_WORKSPACE");
    unsetenv("GITHUB_STEP_SUMMARY");
    set_up_group(&groups[0]);
    groups[1] = groups[0];
    groups[1].kind = LEAK_UNJOINED;
    groups[1].counted = false;
    groups[1].suppressed_by = "thread:pool_start";
    strcpy(groups[1].fingerprint, "9f00000000000002");
    for (int i = 0; i < 4; i++)
        processes[i] = (struct process_report){.pid = 4242 + i,
                                               .watched = true,
                                               .exe = "/usr/bin/app",
                                               .argv = command,
                                               .how = END_EXIT,
                                               .judged = true,
                                               .status_known = true,
                                               .counts = {.created = 9, .peak = 5},
                                               .groups = groups,
                                               .group_count = i ? 1 : 2};
    processes[2].test = "pool/stops";
    processes[2].group_count = 0;
    processes[3].argv = other_command;
    processes[3].how = END_EXEC;
    processes[3].judged = false;
    static struct leak_group not_counted;
    not_counted = groups[0];
    not_counted.counted = false;
    processes[3].groups = &not_counted;
    child[0] =
        (struct unwatched){.pid = 5000, .name = "helper", .exe = "/usr/bin/helper", .why = UNWATCHED_STATIC};
    report = (struct report){
        .argv = command,
        .processes = processes,
        .process_count = 4,
        .unwatched = child,
        .unwatched_count = 1,
        .summary = {.processes = 6, .leaked_threads = 4, .leak_sites = 2, .suppressed_threads = 2}};
}

/* ---- comparing ------------------------------------------------------------------------ */

static char *print_as(const struct report_format *format)
{
    static const struct report_style style = {.color = false};
    char *text = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);
    ck_assert(report_print(format, out, &report, &style));
    fclose(out);
    ck_assert_uint_eq(strlen(text), size);
    return text;
}

static char *printed(const char *format)
{
    return print_as(report_format_find(format));
}

/* What a terminal and a parser can rely on, whatever a program calls its things. */
static void is_well_formed(const char *format, const char *text)
{
    for (const char *at = text; *at; at++)
        ck_assert_msg((unsigned char)*at >= ' ' || *at == '\n', "%s: control character 0x%02x at byte %td",
                      format, (unsigned)*at, at - text);
    ck_assert_msg(mbstowcs(NULL, text, 0) != (size_t)-1, "%s: not UTF-8:\n%s", format, text);
}

static char *replaced(char *text, const char *from, const char *to)
{
    char *found, *changed;
    while ((found = strstr(text, from))) {
        ck_assert_int_ge(asprintf(&changed, "%.*s%s%s", (int)(found - text), text, to, found + strlen(from)),
                         0);
        free(text);
        text = changed;
    }
    return text;
}

static char *read_whole(const char *path)
{
    char *text = NULL;
    size_t size = 0;
    FILE *file = fopen(path, "re");
    ck_assert_msg(file, "%s: %s", path, strerror(errno));
    if (getdelim(&text, &size, 0, file) < 0)
        text[0] = 0;
    fclose(file);
    return text;
}

static void golden_path(char path[PATH_MAX], const char *name, const char *ending)
{
    const char *tests = getenv("TL_TESTS");
    snprintf(path, PATH_MAX, "%s/golden/format_%s.%s", tests ? tests : "tests", name, ending);
}

/* Releases `got`. */
static void compare(const char *name, const char *ending, char *got)
{
    char path[PATH_MAX], here[PATH_MAX - 32];
    ck_assert(getcwd(here, sizeof(here)));
    got = replaced(got, here, "/HERE");
    got = replaced(got, "\"version\": \"" THREADLEAK_VERSION "\"", "\"version\": \"VERSION\"");
    golden_path(path, name, ending);
    if (getenv("UPDATE") && *getenv("UPDATE")) {
        FILE *file = fopen(path, "we");
        ck_assert_msg(file && fputs(got, file) >= 0 && fclose(file) == 0, "%s: %s", path, strerror(errno));
    } else {
        char *expected = read_whole(path);
        ck_assert_msg(strcmp(got, expected) == 0, "%s is not what is printed:\n%.1000s", path, got);
        free(expected);
    }
    free(got);
}

/* Goldens of text and json are those of check_report and check_report_json. */
static bool has_golden(const char *name, const char *format)
{
    char path[PATH_MAX];
    golden_path(path, name, format);
    bool is_needed = !strcmp(name, "leaks") && strcmp(format, "text") != 0 && strcmp(format, "json") != 0;
    return is_needed || access(path, F_OK) == 0;
}

static void all_are(const char *name)
{
    const struct report_format *format;
    for (size_t i = 0; (format = report_format(i)); i++) {
        char *text = print_as(format);
        is_well_formed(format->name, text);
        if (has_golden(name, format->name))
            compare(name, format->name, text);
        else
            free(text);
    }
}

/* ---- tests --------------------------------------------------------------------------------- */

START_TEST(leaks)
{
    all_are("leaks");
}
END_TEST

START_TEST(nothing_leaked)
{
    report = (struct report){.argv = command, .summary = {.processes = 1}};
    all_are("nothing");
}
END_TEST

START_TEST(timed_out)
{
    for (size_t i = 0; i < 4; i++) {
        processes[i].how = END_ALIVE;
        processes[i].judged = false;
        processes[i].groups = processes[3].groups;
        processes[i].group_count = 1;
    }
    report.timed_out_s = 1.5;
    report.process_count = 2;
    report.summary.leaked_threads = report.summary.leak_sites = 0;
    all_are("timeout");
}
END_TEST

START_TEST(hostile)
{
    static char *argv[] = {HOSTILE, HOSTILE, NULL};
    static struct frame start;
    start = frame_in(HOSTILE, HOSTILE, 3);
    stack[0].function = stack[1].file = stack[2].module = HOSTILE;
    stack[0].build_id = HOSTILE;
    waiting_stack[1].function = waiting_stack[0].module = HOSTILE;
    current.wait.text = current.wait.what = HOSTILE;
    memcpy(threads[0].name, "\033]]>\n\"\\#\xff%0A:,", 15);
    groups[0].start_routine = groups[1].start_routine = &start;
    groups[1].suppressed_by = HOSTILE;
    processes[0].exe = HOSTILE;
    processes[0].argv = argv;
    processes[1].test = HOSTILE;
    stack[0].file = HOSTILE; /* the place to point at */
    child[0].exe = HOSTILE;
    report.argv = argv;
    all_are("hostile");
}
END_TEST

START_TEST(nothing_known)
{
    static struct frame nowhere = {.pc = 0x7f1234567890},
                        module = {.module = "/usr/bin/app", .offset = 0x123};
    static struct leak_group unknown[2];
    unknown[0] = unknown[1] = (struct leak_group){.kind = LEAK_DETACHED,
                                                  .counted = true,
                                                  .fingerprint = "9f00000000000003",
                                                  .threads = threads,
                                                  .thread_count = 1};
    unknown[0].stack = &nowhere;
    unknown[1].stack = &module;
    unknown[0].stack_count = unknown[1].stack_count = 1;
    strcpy(unknown[1].fingerprint, "9f00000000000004");
    threads[0] = (struct thread_info){.id = 2, .age_s = -1, .ended_s = -1, .cpu_s = -1};
    processes[0] = (struct process_report){
        .pid = 4242, .watched = true, .how = END_SIGNAL, .judged = true, .groups = unknown, .group_count = 2};
    processes[1] = (struct process_report){.pid = 4243, .how = END_ALIVE, .live = true};
    report = (struct report){.processes = processes, .process_count = 2, .summary = {1, 2, 2, 0}};
    all_are("unknown");
}
END_TEST

/* "run Poller::loop() (pool.c:9)" where the start routine is libstdc++'s. */
START_TEST(what_a_runtime_called_is_what_runs)
{
    static const struct frame runtime_start = {
        .module = "/usr/lib/libstdc++.so.6", .offset = 0xd44a3, .runtime = true};
    static struct frame stacks[2][3];
    static struct shared_stack runs[2];
    static struct thread_stack places[2];
    for (int i = 0; i < 2; i++) {
        stacks[i][0] = waiting_stack[0];
        stacks[i][1] = frame_in("Poller::loop()", pool_c, 9);
        stacks[i][2] = runtime_start;
        runs[i] = (struct shared_stack){.frames = stacks[i], .count = 3};
        places[i] = current;
        places[i].stack = &runs[i];
        threads[i].current = &places[i];
    }
    groups[0].start_routine = &runtime_start;
    char *line = leak_line(&groups[0], 2, 1);
    ck_assert_msg(strstr(line, ", run Poller::loop() ("), "%s", line);
    free(line);
    /* Not of both: then what is known is no name. */
    stacks[1][1].function = "Poller::other()";
    line = leak_line(&groups[0], 2, 1);
    ck_assert_msg(!strstr(line, ", run libstdc++") && !strstr(line, ", run Poller"), "%s", line);
    free(line);
}
END_TEST

START_TEST(more_than_ten)
{
    static struct leak_group many[14];
    for (size_t i = 0; i < 14; i++) {
        many[i] = groups[0];
        snprintf(many[i].fingerprint, sizeof(many[i].fingerprint), "9f%014zx", i);
    }
    processes[0].groups = many;
    processes[0].group_count = 14;
    report.process_count = report.summary.processes = 1;
    report.unwatched_count = 0;
    char *text = printed("github");
    size_t errors = 0;
    for (const char *at = text; (at = strstr(at, "::error ")); at++)
        errors++;
    ck_assert_uint_eq(errors, 10);
    ck_assert_msg(strstr(text, "\nthreadleak: and 4 more leaks\n"), "%s", text);
    free(text);
    processes[0].group_count = 10;
    text = printed("github");
    ck_assert_ptr_null(strstr(text, "more"));
    free(text);
}
END_TEST

/* The third is called as the second of the others would be. */
START_TEST(tests_have_names_of_their_own)
{
    char *argv[] = {"./app", NULL};
    processes[0].argv = processes[1].argv = processes[3].argv = argv;
    processes[2].test = "./app (2)";
    char *text = printed("junit");
    ck_assert_ptr_nonnull(strstr(text, "name=\"./app\">"));
    ck_assert_ptr_nonnull(strstr(text, "name=\"./app (3)\">"));
    ck_assert_ptr_nonnull(strstr(text, "name=\"./app (4)\">"));
    char *second = strstr(text, "name=\"./app (2)\">");
    ck_assert_ptr_nonnull(second);
    ck_assert_ptr_null(strstr(second + 1, "name=\"./app (2)\">"));
    free(text);
}
END_TEST

START_TEST(summary_of_the_job)
{
    char path[] = "/tmp/threadleak-summary-XXXXXX";
    int fd = mkstemp(path);
    ck_assert(fd >= 0 && write(fd, "before\n", 7) == 7 && close(fd) == 0);
    setenv("GITHUB_STEP_SUMMARY", path, 1);
    free(printed("github"));
    stack[0].function = HOSTILE;
    free(printed("github"));
    report = (struct report){.argv = command, .summary = {.processes = 1}};
    free(printed("github"));
    compare("summary", "md", read_whole(path));
    unlink(path);
}
END_TEST

START_TEST(a_summary_that_cannot_be_written_is_an_error)
{
    setenv("GITHUB_STEP_SUMMARY", "/nonexistent/summary", 1);
    FILE *null = fopen("/dev/null", "we");
    errno = 0;
    ck_assert(!report_print(&report_github, null, &report, &(struct report_style){.verbose = 0}));
    ck_assert_int_eq(errno, ENOENT);
    fclose(null);
}
END_TEST

START_TEST(a_full_disk_is_an_error)
{
    static const struct report_style style = {.color = false};
    const struct report_format *format;
    for (size_t i = 0; (format = report_format(i)); i++) {
        FILE *full = fopen("/dev/full", "we");
        ck_assert_ptr_nonnull(full);
        errno = 0;
        ck_assert_msg(!report_print(format, full, &report, &style), "%s", format->name);
        ck_assert_msg(errno == ENOSPC, "%s: %s", format->name, strerror(errno));
        fclose(full);
    }
}
END_TEST

START_TEST(each_is_known_by_its_name)
{
    const struct report_format *format;
    for (size_t i = 0; (format = report_format(i)); i++) {
        struct options options;
        ck_assert_ptr_eq(report_format_find(format->name), format);
        ck_assert_ptr_nonnull(strstr(report_format_names(), format->name));
        ck_assert_ptr_null(options_set(&options, "format", format->name, strlen(format->name)));
        ck_assert_str_eq(options.format, format->name);
    }
    ck_assert_ptr_null(report_format_find("tex"));
    ck_assert_ptr_null(report_format_find(""));
}
END_TEST

START_TEST(each_is_in_the_manual)
{
    char path[PATH_MAX], entry[64];
    const char *tests = getenv("TL_TESTS");
    const struct report_format *format;
    snprintf(path, sizeof(path), "%s/../man/threadleak.1.scd", tests ? tests : "tests");
    char *manual = read_whole(path), *section = strstr(manual, "\n# FORMATS\n");
    ck_assert_ptr_nonnull(section);
    for (size_t i = 0; (format = report_format(i)); i++) {
        snprintf(entry, sizeof(entry), "\n*%s*\n\t", format->name);
        ck_assert_msg(strstr(section, entry), "%s: no entry for %s", path, format->name);
    }
    free(manual);
}
END_TEST

START_TEST(paths_of_sources)
{
    static const char *const cases[][2] = {
        {"/a/b.c", "/a/b.c"}, {"x/./y//z.c", "x/y/z.c"}, {"./b.c", "b.c"}, {"../b.c", "../b.c"}, {"", ""}};
    char path[PATH_MAX], here[PATH_MAX - 32], file[PATH_MAX], workspace[PATH_MAX];
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        format_source_path(path, sizeof(path), cases[i][0]);
        ck_assert_str_eq(path, cases[i][1]);
    }
    ck_assert(getcwd(here, sizeof(here)));
    snprintf(file, sizeof(file), "%s/src/./pool.c", here);
    format_source_path(path, sizeof(path), file);
    ck_assert_str_eq(path, "src/pool.c");
    /* A directory above the working directory is the root of the sources; another is not. */
    snprintf(workspace, sizeof(workspace), "%.*s", (int)(strrchr(here, '/') - here), here);
    setenv("GITHUB_WORKSPACE", workspace, 1);
    format_source_path(path, sizeof(path), file);
    snprintf(file, sizeof(file), "%s/src/pool.c", strrchr(here, '/') + 1);
    ck_assert_str_eq(path, *workspace ? file : path);
    setenv("GITHUB_WORKSPACE", "/nonexistent", 1);
    ck_assert_str_eq(source_root(), here);
}
END_TEST

int main(void)
{
    TCase *tests = tcase_create("formats");
    char here[PATH_MAX - 32];
    if (!getcwd(here, sizeof(here)) || !setlocale(LC_CTYPE, "C.UTF-8"))
        abort();
    snprintf(pool_c, sizeof(pool_c), "%s/./src/pool.c", here);
    tcase_add_checked_fixture(tests, set_up, NULL);
    tcase_add_test(tests, leaks);
    tcase_add_test(tests, nothing_leaked);
    tcase_add_test(tests, timed_out);
    tcase_add_test(tests, hostile);
    tcase_add_test(tests, nothing_known);
    tcase_add_test(tests, what_a_runtime_called_is_what_runs);
    tcase_add_test(tests, more_than_ten);
    tcase_add_test(tests, tests_have_names_of_their_own);
    tcase_add_test(tests, summary_of_the_job);
    tcase_add_test(tests, a_summary_that_cannot_be_written_is_an_error);
    tcase_add_test(tests, a_full_disk_is_an_error);
    tcase_add_test(tests, each_is_known_by_its_name);
    tcase_add_test(tests, each_is_in_the_manual);
    tcase_add_test(tests, paths_of_sources);
    return suite_run("formats", tests);
}
