#include "report/common/leak_line.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "base/escape.h"
#include "base/text.h"
#include "report/common/finding_text.h"
#include "report/common/phrases.h"
#include "report/common/source.h"

#define NAME_WIDTH 100

/* ", created by pool_start (src/pool.c:42)"; nothing for NULL. */
static void put_described(FILE *out, const char *what, const struct frame *frame)
{
    char name[512], path[PATH_MAX];
    if (!frame)
        return;
    format_function(name, sizeof(name), frame, NAME_WIDTH);
    fputs(what, out);
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

/* "1 running and 2 finished threads, never joined" */
static void put_counts(FILE *out, const struct leak_site *site)
{
    static const char *const kinds[LEAK_KINDS] = {"running", "detached", "finished"};
    if (site->finished && site->finished < site->threads)
        fprintf(out, "%zu running and %zu finished threads", site->threads - site->finished, site->finished);
    else
        fprintf(out, "%zu %s thread%s", site->threads, kinds[site->group->kind], plural(site->threads));
    fprintf(out, ", %s", leak_site_joins(site));
}

const char *leak_site_joins(const struct leak_site *site)
{
    if (site->group->kind == LEAK_DETACHED)
        return "still alive";
    if (!site->joining)
        return "never joined";
    return site->being_joined == site->threads ? "being joined" : "not joined yet";
}

void leak_site_add(struct leak_site *site, const struct leak_group *group)
{
    site->threads += group->thread_count;
    site->finished += group->kind == LEAK_UNJOINED ? group->thread_count : 0;
    site->joining |= group->site_joining;
    for (size_t i = 0; i < group->thread_count; i++)
        site->being_joined += group->threads[i].being_joined;
}

struct leak_site leak_site_of(const struct leak_group *group)
{
    struct leak_site site = {.group = group, .processes = 1};
    leak_site_add(&site, group);
    return site;
}

char *leak_line(const struct leak_site *site)
{
    struct text_buffer line;
    FILE *out = text_open(&line);
    if (!out)
        return NULL;
    put_counts(out, site);
    if (site->processes > 1)
        fprintf(out, ", in %zu processes", site->processes);
    put_described(out, ", created by ", creator_frame(site->group));
    put_described(out, site->threads == 1 ? ", runs " : ", run ", run_frame(site->group));
    return text_close(&line);
}

char *leak_message(const struct leak_site *site)
{
    char *line = leak_line(site), *finding = NULL, *message = NULL;
    if (!line || !site->group->finding)
        return line;
    finding = finding_line(site->group->finding);
    bool first = finding_help_of(site->group->finding->code)->verdict != NULL;
    if (!finding || asprintf(&message, "%s; %s", first ? finding : line, first ? line : finding) < 0)
        message = NULL;
    free(finding);
    free(line);
    return message;
}

static struct leak_site *site_of(struct leak_sites *sites, const struct leak_group *group)
{
    for (size_t i = 0; i < sites->count; i++)
        if (sites->items[i].group->place == group->place &&
            strcmp(sites->items[i].group->fingerprint, group->fingerprint) == 0)
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
    leak_site_add(site, group);
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
