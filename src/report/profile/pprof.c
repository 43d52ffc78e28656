/*
 * The format "pprof": a gzipped profile of all threads, for `go tool pprof`, Pyroscope and Parca.
 * https://github.com/google/pprof/blob/main/proto/README.md
 *
 * A sample is a thread. Its values are 1, its age, and its CPU time; what is not known is 0, and the label
 * "unknown" names it.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include "base/array.h"
#include "common/ledger.h"
#include "report/common/members.h"
#include "report/common/phrases.h"
#include "report/profile/pprof_tables.h"
#include "report/common/format.h"

/* ---- a sample ----------------------------------------------------------------------------- */

static Pprof__Label *add_label(struct pprof_tables *tables, Pprof__Sample *sample, const char *key)
{
    Pprof__Label *label = malloc(sizeof(*label));
    if (!PPROF_APPEND(tables, sample->label, sample->n_label, label)) {
        free(label);
        return NULL;
    }
    pprof__label__init(label);
    label->key = pprof_string(tables, key);
    return label;
}

/* Nothing for NULL and "". */
static void set_text(struct pprof_tables *tables, Pprof__Sample *sample, const char *key, const char *text)
{
    Pprof__Label *label = text && *text ? add_label(tables, sample, key) : NULL;
    if (label)
        label->str = pprof_string(tables, text);
}

/* Nothing for 0. */
static void set_number(struct pprof_tables *tables, Pprof__Sample *sample, const char *key, int64_t number)
{
    Pprof__Label *label = number > 0 ? add_label(tables, sample, key) : NULL;
    if (label)
        label->num = number;
}

static void add_value(struct pprof_tables *tables, Pprof__Sample *sample, double seconds)
{
    int64_t value = seconds > 0 ? (int64_t)llround(seconds * 1e9) : 0;
    if (ARRAY_GROW(sample->value, sample->n_value))
        sample->value[sample->n_value++] = value;
    else
        tables->failed = true;
}

static void set_values(struct pprof_tables *tables, Pprof__Sample *sample, const struct thread_info *thread)
{
    add_value(tables, sample, 1e-9); /* one thread */
    add_value(tables, sample, thread->age_s);
    add_value(tables, sample, thread->cpu_s);
    if (thread->age_s < 0)
        set_text(tables, sample, "unknown", "age");
    if (thread->cpu_s < 0)
        set_text(tables, sample, "unknown", "cpu");
}

static const char *name_of_wait(const struct thread_stack *current)
{
    return current ? wait_on_name(current->wait.on) : NULL;
}

static void set_labels(struct pprof_tables *tables, Pprof__Sample *sample, const struct member *member,
                       const struct process_report *process)
{
    const struct thread_info *thread = member->thread;
    const struct finding *finding = member_finding(member, &process->findings);
    bool is_main = member->kind == MEMBER_MAIN;
    set_number(tables, sample, "tid", thread->tid);
    set_number(tables, sample, "id", is_main ? LEDGER_MAIN_SERIAL : (int64_t)thread->id);
    set_text(tables, sample, "name", thread->name);
    set_text(tables, sample, "kind", member_kind_name(member));
    set_text(tables, sample, "wait", name_of_wait(thread->current));
    set_text(tables, sample, "finding", finding ? finding_name(finding->code) : NULL);
    set_text(tables, sample, "leaked", member->group && member->group->counted ? "yes" : NULL);
    set_number(tables, sample, "pid", process->pid);
    set_text(tables, sample, "exe", process->exe);
}

static void add_location(struct pprof_tables *tables, Pprof__Sample *sample, uint64_t id)
{
    if (id && ARRAY_GROW(sample->location_id, sample->n_location_id))
        sample->location_id[sample->n_location_id++] = id;
    else
        tables->failed = true;
}

/* Why there are no frames, or why they are not those that were asked for; NULL: they are. */
static const char *note_of(const struct member *member, const struct report_style *style, size_t count)
{
    if (!member_is_by_creation(member, style) && !count)
        return style->by_creation ? "[creation not seen]" : "[no stack]";
    if (!member_is_by_creation(member, style) || style->by_creation)
        return NULL;
    return member->group->kind == LEAK_UNJOINED ? "[unjoined, created by]" : "[no current stack, created by]";
}

static void set_stack(struct pprof_tables *tables, Pprof__Sample *sample, const struct member *member,
                      const struct report_style *style)
{
    size_t count, used;
    const struct frame *frames = member_stack(member, style, &count);
    for (size_t i = 0; i < count; i += used)
        add_location(tables, sample, pprof_location(tables, &frames[i], count - i, &used));
    const char *note = note_of(member, style, count);
    if (note)
        add_location(tables, sample, pprof_note(tables, note));
}

static void add_sample(struct pprof_tables *tables, const struct member *member,
                       const struct process_report *process, const struct report_style *style)
{
    Pprof__Profile *profile = tables->profile;
    Pprof__Sample *sample = malloc(sizeof(*sample));
    if (!PPROF_APPEND(tables, profile->sample, profile->n_sample, sample)) {
        free(sample);
        return;
    }
    pprof__sample__init(sample);
    set_stack(tables, sample, member, style);
    set_labels(tables, sample, member, process);
    set_values(tables, sample, member->thread);
}

/* ---- the profile -------------------------------------------------------------------------- */

static void add_type(struct pprof_tables *tables, const char *type, const char *unit)
{
    Pprof__Profile *profile = tables->profile;
    Pprof__ValueType *value = malloc(sizeof(*value));
    if (!PPROF_APPEND(tables, profile->sample_type, profile->n_sample_type, value)) {
        free(value);
        return;
    }
    pprof__value_type__init(value);
    value->type = pprof_string(tables, type);
    value->unit = pprof_string(tables, unit);
}

static void add_comment(struct pprof_tables *tables, const char *text)
{
    Pprof__Profile *profile = tables->profile;
    int64_t index = pprof_string(tables, text);
    if (index && ARRAY_GROW(profile->comment, profile->n_comment))
        profile->comment[profile->n_comment++] = index;
    else
        tables->failed |= index != 0;
}

/* The moment of the report, if the main thread of a process is known. */
static int64_t moment_of(const struct process_report *process)
{
    if (!process->main || process->main->age_s < 0 || !process->started_wall_ns)
        return 0;
    return (int64_t)process->started_wall_ns + llround(process->main->age_s * 1e9);
}

static void name_profile(struct pprof_tables *tables, const struct members *members,
                         const struct process_report *process, const struct report_style *style)
{
    for (size_t i = 0; i < members->count && !tables->profile->n_mapping; i++) {
        size_t count;
        const struct frame *frames = member_stack(&members->items[i], style, &count);
        pprof_main_module(tables, frames, count, process->exe);
    }
}

static void add_process(struct pprof_tables *tables, const struct process_report *process,
                        const struct report_style *style)
{
    struct members members;
    tables->failed |= !members_find(&members, process, style);
    if (!tables->failed)
        name_profile(tables, &members, process, style);
    for (size_t i = 0; i < members.count && !tables->failed; i++)
        add_sample(tables, &members.items[i], process, style);
    free(members.items);
    add_comment(tables, process->findings.verdict);
    if (!tables->profile->time_nanos)
        tables->profile->time_nanos = moment_of(process);
}

static bool make(struct pprof_tables *tables, const struct report *report, const struct report_style *style)
{
    if (!pprof_tables_open(tables))
        return false;
    add_type(tables, "threads", "count");
    add_type(tables, "age", "nanoseconds");
    add_type(tables, "cpu", "nanoseconds");
    tables->profile->default_sample_type = pprof_string(tables, "threads");
    add_comment(tables, "threadleak " THREADLEAK_VERSION);
    for (size_t i = 0; i < report->process_count && !tables->failed; i++)
        add_process(tables, &report->processes[i], style);
    return !tables->failed;
}

/* ---- gzip --------------------------------------------------------------------------------- */

#define GZIP_WINDOW (15 + 16) /* zlib.h, deflateInit2: 16 selects gzip */
#define GZIP_HEADER 32        /* more than deflateBound() of zlib before 1.2.12 counts for it */

/* Without a name and a time, so that equal reports are equal files. */
static bool write_gzip(FILE *out, uint8_t *bytes, size_t size)
{
    z_stream stream = {.next_in = bytes, .avail_in = (uInt)size};
    if (size > UINT32_MAX / 2 ||
        deflateInit2(&stream, Z_DEFAULT_COMPRESSION, Z_DEFLATED, GZIP_WINDOW, 8, Z_DEFAULT_STRATEGY) != Z_OK)
        return false;
    size_t room = deflateBound(&stream, size) + GZIP_HEADER;
    uint8_t *packed = malloc(room);
    stream.next_out = packed;
    stream.avail_out = (uInt)room;
    bool done = packed && deflate(&stream, Z_FINISH) == Z_STREAM_END;
    if (done)
        fwrite(packed, 1, room - stream.avail_out, out);
    deflateEnd(&stream);
    free(packed);
    return done;
}

static bool print_pprof(FILE *out, const struct report *report, const struct report_style *style)
{
    struct pprof_tables tables;
    uint8_t *bytes = NULL;
    bool done = make(&tables, report, style);
    size_t size = done ? pprof__profile__get_packed_size(tables.profile) : 0;
    if (done && (bytes = malloc(size + 1)))
        pprof__profile__pack(tables.profile, bytes);
    pprof_tables_release(&tables);
    done = bytes && write_gzip(out, bytes, size);
    free(bytes);
    return done;
}

const struct report_format report_pprof = {.name = "pprof", .print = print_pprof, .is_binary = true};
