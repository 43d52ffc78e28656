#include "report/parts.h"

#include <limits.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/array.h"
#include "report/group.h"
#include "report/text_parts.h"

#define NAME_WIDTH 100
#define TITLE_MAX 200 /* bytes of a command line */

/* ---- text ------------------------------------------------------------------------------ */

static char *closed(FILE *out, char **text)
{
    if (out && fclose(out) == 0)
        return *text;
    free(*text);
    return NULL;
}

char *escaped_copy(const char *text)
{
    char *copy = NULL;
    size_t size;
    FILE *out = open_memstream(&copy, &size);
    if (out)
        put_escaped(out, text);
    return closed(out, &copy);
}

/* "pool_start (src/pool.c:42)" */
static void put_frame(FILE *out, const struct frame *frame)
{
    char name[512], path[PATH_MAX];
    format_function(name, sizeof(name), frame, NAME_WIDTH);
    put_escaped(out, name);
    if (!frame->file)
        return;
    format_source_path(path, sizeof(path), frame->file);
    fputs(" (", out);
    put_escaped(out, path);
    if (frame->line > 0)
        fprintf(out, ":%d", frame->line);
    putc(')', out);
}

char *leak_line(const struct leak_group *group, size_t threads, size_t processes)
{
    static const char *const kinds[LEAK_KINDS][2] = {
        [LEAK_RUNNING] = {"running", "never joined"},
        [LEAK_DETACHED] = {"detached", "still alive"},
        [LEAK_UNJOINED] = {"finished", "never joined"},
    };
    char *line = NULL;
    size_t size;
    FILE *out = open_memstream(&line, &size);
    if (!out)
        return NULL;
    const struct frame *frame = group->user_frame    ? group->user_frame
                                : group->stack_count ? &group->stack[0]
                                                     : NULL;
    fprintf(out, "%zu %s thread%s, %s", threads, kinds[group->kind][0], threads == 1 ? "" : "s",
            kinds[group->kind][1]);
    if (processes > 1)
        fprintf(out, ", in %zu processes", processes);
    if (frame) {
        fputs(", created by ", out);
        put_frame(out, frame);
    }
    const struct frame *runs = what_runs(group);
    if (runs) {
        fputs(threads == 1 ? ", runs " : ", run ", out);
        put_frame(out, runs);
    }
    return closed(out, &line);
}

char *leak_details(const struct leak_group *group)
{
    static const struct report_style style = {.color = false};
    char *text = NULL;
    size_t size;
    FILE *out = open_memstream(&text, &size);
    if (!out)
        return NULL;
    print_group(&(struct printer){.out = out, .style = &style}, group);
    text = closed(out, &text);
    if (!text)
        return NULL;
    size = strlen(text);
    if (size && text[size - 1] == '\n')
        text[--size] = '\0';
    if (*text == '\n')
        memmove(text, text + 1, size);
    return text;
}

char *process_as_test(const struct process_report *process)
{
    char *title = NULL;
    size_t size;
    FILE *out = open_memstream(&title, &size);
    if (!out)
        return NULL;
    if (process->test && *process->test)
        put_escaped(out, process->test);
    else if (process->argv && process->argv[0] && *process->argv[0])
        put_command(out, process->argv, TITLE_MAX);
    else
        put_escaped(out, command_name(process));
    return closed(out, &title);
}

/* ---- places ------------------------------------------------------------------------------ */

/* What of `path` comes below `directory`; NULL: it does not lie there. */
static const char *below(const char *path, const char *directory)
{
    size_t length = strlen(directory);
    while (length > 1 && directory[length - 1] == '/')
        length--;
    if (length < 2 || strncmp(path, directory, length) != 0 || path[length] != '/')
        return NULL;
    return path + length + 1;
}

const char *source_root(void)
{
    static char root[PATH_MAX];
    const char *workspace = getenv("GITHUB_WORKSPACE");
    if (!getcwd(root, sizeof(root)))
        root[0] = '\0';
    if (workspace && *workspace == '/' && (below(root, workspace) || !strcmp(root, workspace)))
        snprintf(root, sizeof(root), "%s", workspace);
    return root;
}

/* "a/./b//c" as "a/b/c"; ".." may be behind a symbolic link and is kept. */
static void tidy(char *path)
{
    char *to = path;
    for (const char *from = path; *from;) {
        bool begins = from == path || from[-1] == '/';
        if (begins && from[0] == '.' && from[1] == '/')
            from += 2;
        else if (begins && from != path && from[0] == '/')
            from++;
        else
            *to++ = *from++;
    }
    *to = '\0';
}

void format_source_path(char *out, size_t size, const char *path)
{
    const char *inside = below(path, source_root());
    snprintf(out, size, "%s", inside ? inside : path);
    tidy(out);
}

static bool is_below_root(const struct frame *frame)
{
    return frame->file && (frame->file[0] != '/' || below(frame->file, source_root()));
}

const struct frame *leak_place(const struct leak_group *group)
{
    const struct frame *place = NULL;
    for (size_t i = 0; i < group->stack_count; i++) {
        const struct frame *frame = &group->stack[i];
        if (frame->runtime || !frame->file || frame->line <= 0)
            continue;
        if (is_below_root(frame))
            return frame;
        place = place ? place : frame;
    }
    return place;
}

/* ---- sites ----------------------------------------------------------------------------------- */

static struct leak_site *site_of(struct leak_sites *sites, const struct leak_group *group)
{
    for (size_t i = 0; i < sites->count; i++)
        if (strcmp(sites->items[i].group->fingerprint, group->fingerprint) == 0)
            return &sites->items[i];
    return NULL;
}

static bool add_group(struct leak_sites *sites, const struct process_report *process,
                      const struct leak_group *group)
{
    struct leak_site *site = site_of(sites, group);
    if (!site) {
        if (!ARRAY_GROW(sites->items, sites->count))
            return false;
        site = &sites->items[sites->count++];
        *site = (struct leak_site){.group = group, .process = process, .processes = 1};
    } else if (site->process != process) {
        site->processes++;
        site->process = process;
    }
    site->threads += group->thread_count;
    return true;
}

bool leak_sites_find(struct leak_sites *sites, const struct report *report)
{
    *sites = (struct leak_sites){NULL, 0};
    for (size_t i = 0; i < report->process_count; i++) {
        const struct process_report *process = &report->processes[i];
        for (size_t j = 0; j < process->group_count; j++) {
            if (process->groups[j].counted && !add_group(sites, process, &process->groups[j]))
                return false;
        }
    }
    return true;
}
