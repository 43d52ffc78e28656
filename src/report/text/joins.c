/* What is known of joins of a group's threads. */
#include "common/ledger.h"
#include "report/common/leak_line.h"
#include "report/text/text.h"

/* A join that is under way. */
struct join {
    const struct thread_info *joined; /* NULL: there is none */
    uint64_t by;                      /* T-number of the thread that joins it; 0: not known */
};

static bool joins(const struct thread_info *thread, uint64_t id)
{
    return thread->current && thread->current->wait.on == WAIT_JOIN && thread->current->owner_id == id;
}

static uint64_t joiner_of(const struct process_report *process, uint64_t id)
{
    if (process->main && joins(process->main, id))
        return LEDGER_MAIN_SERIAL;
    for (size_t i = 0; i < process->group_count; i++)
        for (size_t j = 0; j < process->groups[i].thread_count; j++)
            if (joins(&process->groups[i].threads[j], id))
                return process->groups[i].threads[j].id;
    return 0;
}

static const struct thread_info *joined_thread(const struct leak_group *group)
{
    for (size_t i = 0; i < group->thread_count; i++)
        if (group->threads[i].being_joined)
            return &group->threads[i];
    return NULL;
}

/* The join of a thread that was created at the same place: a loop may join them one after the other. */
static struct join find_join(const struct process_report *process, const struct leak_group *group)
{
    struct join join = {joined_thread(group), 0};
    for (size_t i = 0; process && group->site_joining && i < process->group_count && !join.joined; i++)
        if (same_creation(&process->groups[i], group))
            join.joined = joined_thread(&process->groups[i]);
    if (process && join.joined)
        join.by = joiner_of(process, join.joined->id);
    return join;
}

static size_t count_joined(const struct leak_group *group)
{
    size_t count = 0;
    for (size_t i = 0; i < group->thread_count; i++)
        count += group->threads[i].being_joined;
    return count;
}

void put_joins(const struct printer *printer, const struct leak_group *group)
{
    const struct leak_site site = leak_site_of(group);
    if (group->kind == LEAK_DETACHED)
        fputs("detached: cannot be joined", printer->out);
    else if (group->kind == LEAK_UNJOINED)
        fprintf(printer->out, "%s: its stack is still held", leak_site_joins(&site));
    else
        fprintf(printer->out, "joinable, %s", leak_site_joins(&site));
}

static void put_joiner(const struct printer *printer, uint64_t by)
{
    fprintf(printer->out, "T%llu%s", (unsigned long long)by, by == LEDGER_MAIN_SERIAL ? " (main)" : "");
}

/* "T1 (main) is joining T2 created here" */
static void print_join(const struct printer *printer, const struct leak_group *group, const struct join *join)
{
    size_t count = count_joined(group);
    if (!count && !join->by) {
        fprintf(printer->out, "  T%llu created here is being joined", (unsigned long long)join->joined->id);
    } else if (count == group->thread_count || count > 1 || !join->by) {
        if (count == group->thread_count)
            fputs(count == 1 ? "  it is being joined" : "  they are being joined", printer->out);
        else
            fprintf(printer->out, "  %zu of them %s being joined", count, count == 1 ? "is" : "are");
        if (count == 1 && join->by) {
            fputs(" by ", printer->out);
            put_joiner(printer, join->by);
        }
    } else {
        fputs("  ", printer->out);
        put_joiner(printer, join->by);
        fprintf(printer->out, " is joining T%llu created here", (unsigned long long)join->joined->id);
    }
    putc('\n', printer->out);
}

void print_joins(const struct printer *printer, const struct leak_group *group)
{
    const struct join join = find_join(printer->process, group);
    if (join.joined && group->kind != LEAK_DETACHED)
        print_join(printer, group, &join);
    if (!group->joined_at || !group->site_joined)
        return;
    fprintf(printer->out, "  %llu of the %llu threads created here %s joined",
            (unsigned long long)group->site_joined, (unsigned long long)group->site_created,
            group->site_joined == 1 ? "was" : "were");
    if (group->joined_there < group->site_joined)
        fprintf(printer->out, ", %llu of them", (unsigned long long)group->joined_there);
    fputs(" at ", printer->out);
    put_frame(printer, group->joined_at, 0, 0);
    putc('\n', printer->out);
}
