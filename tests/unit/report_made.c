#include "report_made.h"

#include <check.h>
#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

char pool_c[PATH_MAX], main_c[PATH_MAX];

/* ---- made-up code --------------------------------------------------------------------- */

const struct frame worker = {.pc = 0x5500000010f0,
                             .offset = 0x10f0,
                             .module = APP,
                             .function = "worker_loop",
                             .file = "/src/app/pool.c",
                             .line = 27};

struct frame frame_in(const char *function, const char *file, int line)
{
    return (struct frame){.pc = 0x550000001234,
                          .offset = 0x1234,
                          .module = APP,
                          .build_id = "01020304",
                          .function = function,
                          .file = file,
                          .line = line};
}

const struct frame libc_start = {.pc = 0x7f0000029d90,
                                 .offset = 0x29d90,
                                 .module = LIBC,
                                 .function = "__libc_start_call_main",
                                 .runtime = true};

struct frame plain_stack[3];
struct thread_info two[2] = {
    {.id = 3,
     .tid = 4245,
     .name = "worker",
     .created_by = 1,
     .age_s = 1.25,
     .ended_s = -1,
     .cpu_s = 0.0004,
     .state = 'S'},
    {.id = 4,
     .tid = 4246,
     .name = "worker",
     .created_by = 1,
     .age_s = 1.25,
     .ended_s = -1,
     .cpu_s = 12,
     .state = 'S'},
};
struct leak_group one_group[1];
struct process_report one_process[1];
char *command[] = {"./app", "-v", NULL};
struct report report;

static void find_here(void)
{
    char here[PATH_MAX - 32];
    if (!getcwd(here, sizeof(here)))
        abort();
    snprintf(pool_c, sizeof(pool_c), "%s/./src/pool.c", here);
    snprintf(main_c, sizeof(main_c), "%s/src/main.c", here);
}

void report_set_up(void)
{
    static struct frame frames[3];
    find_here();
    frames[0] = frame_in("pool_start", pool_c, 42);
    frames[1] = frame_in("main", main_c, 10);
    frames[2] = libc_start;
    memcpy(plain_stack, frames, sizeof(frames));
    one_group[0] = (struct leak_group){.kind = LEAK_RUNNING,
                                       .first_of_site = true,
                                       .counted = true,
                                       .fingerprint = "9f00000000000001",
                                       .start_routine = &worker,
                                       .stack = plain_stack,
                                       .stack_count = 3,
                                       .user_frame = &plain_stack[0],
                                       .threads = two,
                                       .thread_count = 2};
    two[0].current = two[1].current = NULL;
    one_process[0] = (struct process_report){.pid = 4242,
                                             .watched = true,
                                             .parent_pid = 4241,
                                             .exe = APP,
                                             .argv = command,
                                             .how = END_EXIT,
                                             .judged = true,
                                             .status_known = true,
                                             .counts = {9, 4, 2, 2, 1, 5, 0, 0},
                                             .groups = one_group,
                                             .group_count = 1};
    report = (struct report){.argv = command,
                             .processes = one_process,
                             .process_count = 1,
                             .summary = {.processes = 1, .leaked_threads = 2, .leak_sites = 1}};
}

/* ---- comparing ------------------------------------------------------------------------------ */

char *printed(const struct report_format *format, struct report_style style)
{
    char *text = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);
    ck_assert(report_print(format, out, &report, &style));
    fclose(out);
    return text;
}

static char *read_whole(const char *path)
{
    char *text = NULL;
    size_t size = 0;
    FILE *file = fopen(path, "re");
    if (file && getdelim(&text, &size, 0, file) < 0)
        text[0] = 0;
    if (file)
        fclose(file);
    return text;
}

/* The working directory, which is another one elsewhere, is shown as HERE. */
static char *hide_here(char *text)
{
    char here[PATH_MAX - 32], *found, *hidden;
    if (!getcwd(here, sizeof(here)))
        abort();
    while ((found = strstr(text, here))) {
        ck_assert_int_ge(asprintf(&hidden, "%.*sHERE%s", (int)(found - text), text, found + strlen(here)), 0);
        free(text);
        text = hidden;
    }
    return text;
}

static void compare(const char *name, const char *got)
{
    char path[PATH_MAX];
    const char *tests = getenv("TL_TESTS");
    snprintf(path, sizeof(path), "%s/golden/report_%s", tests ? tests : "tests", name);
    if (getenv("UPDATE") && *getenv("UPDATE")) {
        FILE *file = fopen(path, "we");
        ck_assert_msg(file && fputs(got, file) >= 0 && fclose(file) == 0, "%s: %s", path, strerror(errno));
        return;
    }
    char *expected = read_whole(path);
    ck_assert_msg(expected, "%s: %s", path, strerror(errno));
    ck_assert_msg(strcmp(got, expected) == 0, "%s is not what is printed:\n%s", path, got);
    free(expected);
}

void text_is(const char *name, struct report_style style)
{
    char file[64];
    snprintf(file, sizeof(file), "%s.txt", name);
    char *text = hide_here(printed(&report_text, style));
    if (!style.color)
        ck_assert_ptr_null(strchr(text, '\033'));
    compare(file, text);
    free(text);
}

/* The version of the day is not compared. */
json_t *report_parsed(void)
{
    char *text = printed(&report_json, (struct report_style){.color = true});
    json_error_t error;
    json_t *json = json_loads(text, JSON_REJECT_DUPLICATES, &error);
    ck_assert_msg(json, "%s at line %d", error.text, error.line);
    free(text);
    return json;
}

void json_is(const char *name)
{
    static const char version[] = "\"version\": \"" THREADLEAK_VERSION "\"";
    char file[64], *text = printed(&report_json, (struct report_style){.color = true});
    json_decref(report_parsed());
    char *at = strstr(text, version), *normal = NULL;
    ck_assert_ptr_nonnull(at);
    ck_assert_int_gt(
        asprintf(&normal, "%.*s\"version\": \"VERSION\"%s", (int)(at - text), text, at + strlen(version)), 0);
    normal = hide_here(normal);
    snprintf(file, sizeof(file), "%s.json", name);
    compare(file, normal);
    free(normal);
    free(text);
}
