#include "cli/top/top.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"

#define SECOND 1000000000ull
enum { HISTORY = 128, WINDOW_S = 60 };

/* The latest samples of one site. */
struct top_history {
    struct {
        uint64_t ns, held; /* held: alive and unjoined */
    } points[HISTORY];
    size_t count; /* of all points ever added */
};

struct top *top_open(pid_t pid, struct error *error)
{
    struct top *top = calloc(1, sizeof(*top));
    if (!top || !(top->symbolizer = symbolizer_new(false))) {
        free(top);
        error_set(error, "out of memory");
        return NULL;
    }
    top->pid = pid;
    top->sampler = sampler_open(pid, error);
    if (top->sampler)
        return top;
    top_close(top);
    return NULL;
}

static void forget(struct top *top)
{
    site_table_free(top->table);
    free(top->history);
    free(top->rows);
    free(top->threads);
    free(top->by_id);
    top->by_id = NULL;
    top->table = NULL;
    top->history = NULL;
    top->rows = NULL;
    top->threads = NULL;
    top->history_count = top->row_count = top->thread_count = 0;
}

void top_close(struct top *top)
{
    if (!top)
        return;
    forget(top);
    sampler_close(top->sampler);
    symbolizer_free(top->symbolizer);
    free(top);
}

/* ---- rise ------------------------------------------------------------------------------------ */

static struct top_history *history_at(struct top *top, size_t index)
{
    while (top->history_count <= index) {
        if (!ARRAY_GROW(top->history, top->history_count))
            return NULL;
        memset(&top->history[top->history_count++], 0, sizeof(*top->history));
    }
    return &top->history[index];
}

/* From the oldest point of the last minute to the new one. NAN: there is no older one. */
static double rise(struct top_history *history, uint64_t ns, uint64_t held)
{
    size_t first = history->count > HISTORY ? history->count - HISTORY : 0;
    while (first < history->count && ns - history->points[first % HISTORY].ns > WINDOW_S * SECOND)
        first++;
    double per_min = NAN;
    if (first < history->count && ns > history->points[first % HISTORY].ns) {
        double change = (double)held - (double)history->points[first % HISTORY].held;
        per_min = change * 60 / ((double)(ns - history->points[first % HISTORY].ns) / SECOND);
    }
    history->points[history->count % HISTORY].ns = ns;
    history->points[history->count++ % HISTORY].held = held;
    return per_min;
}

/* ---- rows -------------------------------------------------------------------------------------- */

static struct top_row row_of(const struct site_count *item)
{
    const struct site_threads *threads = &item->threads;
    return (struct top_row){.place = item->place,
                            .alive = threads->joinable + threads->alive_detached + threads->untracked,
                            .unjoined = threads->unjoined,
                            .created = threads->created,
                            .oldest_s = item->oldest_s,
                            .cpu_percent = -1};
}

/* Row i is site i: the threads refer to it. */
static bool make_rows(struct top *top, const struct site_counts *counts)
{
    free(top->rows);
    top->rows = calloc(counts->count + 1, sizeof(*top->rows));
    top->row_count = top->rows ? counts->count : 0;
    for (size_t i = 0; i < top->row_count; i++) {
        struct top_row *row = &top->rows[i];
        struct top_history *history = history_at(top, i + 1);
        *row = row_of(&counts->items[i]);
        if (history)
            row->per_min = rise(history, top->now_ns, row->alive + row->unjoined);
    }
    return top->rows != NULL;
}

static void set_totals(struct top *top, const struct site_counts *counts, const struct sample *sample)
{
    const struct site_threads *total = &counts->total;
    uint64_t tracked = total->joinable + total->alive_detached,
             others = sample->tasks ? sample->tasks - 1 : 0;
    top->total = *total;
    top->watched = counts->watched;
    top->attached = sample->ledger && ledger_get_header(sample->ledger)->flags & LEDGER_ATTACHED;
    top->untracked = !counts->watched ? total->untracked : others > tracked ? others - tracked : 0;
    struct top_history *history = history_at(top, 0);
    if (history)
        top->per_min = rise(history, top->now_ns, tracked + total->unjoined + top->untracked);
}

static bool count_sites(struct top *top, const struct sample *sample)
{
    struct site_counts counts;
    if (!site_counts_of_sample(&counts, top->table, sample))
        return false;
    set_totals(top, &counts, sample);
    bool ok = make_rows(top, &counts);
    site_counts_release(&counts);
    if (ok)
        top_read_threads(top, sample);
    return ok;
}

enum sample_status top_read(struct top *top, struct error *error)
{
    struct sample sample;
    enum sample_status status = sampler_read(top->sampler, &sample, error);
    if (status != SAMPLE_OK)
        return status;
    if (!top->table || top->program != sample.program) {
        forget(top);
        symbolizer_see_as(top->symbolizer, top->pid);
        top->table = site_table_new(top->symbolizer);
        top->program = sample.program;
    }
    top->now_ns = sample.now_ns;
    top->tasks = sample.tasks;
    memcpy(top->name, sample.name, sizeof(top->name));
    bool ok = top->table && count_sites(top, &sample);
    sample_release(&sample);
    if (!ok)
        error_set(error, "out of memory");
    return ok ? SAMPLE_OK : SAMPLE_FAILED;
}

/* ---- order ---------------------------------------------------------------------------------------- */

const char *top_order_name(enum top_order order)
{
    static const char *const names[TOP_ORDERS] = {"alive", "+/min", "unjoined", "oldest", "CPU"};
    return names[order];
}

static double value_of(const struct top_row *row, enum top_order order)
{
    switch (order) {
    case TOP_BY_RISE:
        return isnan(row->per_min) ? 0 : row->per_min;
    case TOP_BY_UNJOINED:
        return (double)row->unjoined;
    case TOP_BY_AGE:
        return row->oldest_s;
    case TOP_BY_CPU:
        return row->cpu_percent;
    default:
        return (double)(row->alive + row->unjoined);
    }
}

static int compare_rows(const void *a, const void *b, void *arg)
{
    const struct top_row *x = a, *y = b;
    enum top_order order = *(const enum top_order *)arg;
    double left = value_of(x, order), right = value_of(y, order);
    if (left != right)
        return left < right ? 1 : -1;
    return (x->created < y->created) - (x->created > y->created);
}

/* The threads refer to rows by their index, so they get the new ones. */
void top_sort(struct top *top, enum top_order order)
{
    const struct leak_group **places = calloc(top->row_count + 1, sizeof(*places));
    if (!places)
        return;
    for (size_t i = 0; i < top->row_count; i++)
        places[i] = top->rows[i].place;
    qsort_r(top->rows, top->row_count, sizeof(*top->rows), compare_rows, &order);
    for (size_t i = 0; i < top->thread_count; i++) {
        struct top_thread *thread = &top->threads[i];
        size_t row = 0;
        while (thread->site != TOP_NO_SITE && row < top->row_count &&
               top->rows[row].place != places[thread->site])
            row++;
        if (thread->site != TOP_NO_SITE)
            thread->site = row;
    }
    free(places);
}
