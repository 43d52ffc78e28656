/* The fingerprints of findings, and which of them are suppressed. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "base/search.h"
#include "leak/fingerprint.h"
#include "leak/hash.h"
#include "leak/process_build.h"
#include "suppress/suppress.h"

/* ---- by thread -------------------------------------------------------------------------- */

static int compare_ids(const void *left, const void *right)
{
    const struct finding_index_item *a = left, *b = right;
    if (a->id != b->id)
        return a->id < b->id ? -1 : 1;
    return (a->finding > b->finding) - (a->finding < b->finding);
}

bool finding_index_make(struct finding_index *index, const struct findings *findings)
{
    size_t most = 0;
    *index = (struct finding_index){.items = NULL};
    for (size_t i = 0; i < findings->count; i++)
        most += findings->items[i].thread_count;
    if (!most)
        return true;
    index->items = calloc(most, sizeof(*index->items));
    for (size_t i = 0; index->items && i < findings->count; i++)
        for (size_t j = 0; j < findings->items[i].thread_count; j++)
            if (findings->items[i].threads[j].id)
                index->items[index->count++] =
                    (struct finding_index_item){findings->items[i].threads[j].id, &findings->items[i]};
    if (index->count)
        qsort(index->items, index->count, sizeof(*index->items), compare_ids);
    return index->items != NULL;
}

size_t finding_index_first(const struct finding_index *index, uint64_t id)
{
    size_t at = SEARCH_FIRST(i, index->count, index->items[i].id >= id);
    return at < index->count && index->items[at].id == id ? at : index->count;
}

/* ---- fingerprints ----------------------------------------------------------------------- */

static int compare_hashes(const void *left, const void *right)
{
    uint64_t a = *(const uint64_t *)left, b = *(const uint64_t *)right;
    return (a > b) - (a < b);
}

/* The order of a circle, and how many threads are at one place, depend on timing. */
static bool set_fingerprint(struct finding *finding)
{
    size_t count = 0;
    uint64_t *places = calloc(finding_own_facts(finding) + 1, sizeof(*places));
    const char *name = finding_name(finding->code);
    uint64_t hash = hash_add(HASH_EMPTY, name, strlen(name));
    for (size_t i = 0; places && i < finding_own_facts(finding); i++)
        if (finding->facts[i].at)
            places[count++] = fingerprint_add_frame(HASH_EMPTY, finding->facts[i].at);
    if (count)
        qsort(places, count, sizeof(*places), compare_hashes);
    for (size_t i = 0; i < count; i++)
        if (i == 0 || places[i] != places[i - 1])
            hash = hash_add(hash, (const char *)&places[i], sizeof(places[i]));
    snprintf(finding->fingerprint, sizeof(finding->fingerprint), "%016llx", (unsigned long long)hash);
    free(places);
    return places != NULL;
}

/* ---- rules ------------------------------------------------------------------------------ */

/* Its places as if they were a creation stack. */
static struct frame *copy_places(const struct finding *finding, size_t *count)
{
    struct frame *places = calloc(finding->fact_count + 1, sizeof(*places));
    *count = 0;
    for (size_t i = 0; places && i < finding->fact_count; i++)
        if (finding->facts[i].at)
            places[(*count)++] = *finding->facts[i].at;
    return places;
}

static bool match_places(const struct build *build, struct suppression_matcher *matcher,
                         struct finding *finding)
{
    struct suppression_site site = {
        .process = build->process.exe,
        .called = build->process.argv ? build->process.argv[0] : NULL,
        .ran = build->process.test,
    };
    const struct suppression_thread thread = {.findings = 1u << finding->code, .finding_alone = true};
    struct frame *places = copy_places(finding, &site.stack_count);
    if (!places)
        return false;
    site.stack = places;
    suppression_matcher_site(matcher, &site);
    finding->rule = suppression_matcher_find(matcher, &thread);
    free(places);
    return true;
}

static bool apply_to_places(const struct build *build, const struct suppressions *rules)
{
    const struct findings *findings = &build->process.findings;
    if (!suppressions_name_findings(rules))
        return true;
    struct suppression_matcher *matcher = suppression_matcher_new(rules);
    bool done = matcher != NULL;
    for (size_t i = 0; done && i < findings->count; i++)
        if (!findings->items[i].rule)
            done = match_places(build, matcher, &findings->items[i]);
    suppression_matcher_free(matcher);
    return done;
}

/* ---- suppressed threads ----------------------------------------------------------------- */

/* suppressed[i]: how many threads of finding i are. codes: bits, of the findings that can be. */
static void count_suppressed(const struct process_report *process, const struct finding_index *index,
                             unsigned codes, size_t *suppressed)
{
    for (size_t i = 0; i < process->group_count; i++) {
        const struct leak_group *group = &process->groups[i];
        for (size_t j = 0; group->suppressed_by && j < group->thread_count; j++) {
            size_t at = finding_index_first(index, group->threads[j].id);
            for (; at < index->count && index->items[at].id == group->threads[j].id; at++) {
                struct finding *finding = index->items[at].finding;
                if (++suppressed[finding - process->findings.items] == finding->thread_count &&
                    !finding->suppressed_by && codes & 1u << finding->code)
                    finding->suppressed_by = group->suppressed_by;
            }
        }
    }
}

static bool suppress_with_threads(struct process_report *process, unsigned codes)
{
    struct finding_index index;
    bool made = finding_index_make(&index, &process->findings);
    size_t *suppressed = calloc(process->findings.count + 1, sizeof(*suppressed));
    if (made && suppressed)
        count_suppressed(process, &index, codes, suppressed);
    free(suppressed);
    free(index.items);
    return made && suppressed;
}

bool process_suppress_lost_handles(struct process_report *process)
{
    return !process->findings.count || suppress_with_threads(process, 1u << FINDING_LOST_HANDLE);
}

bool build_findings(struct build *build)
{
    struct findings *findings = &build->process.findings;
    bool done = true;
    if (!findings->count)
        return true;
    for (size_t i = 0; i < findings->count && done; i++)
        done = set_fingerprint(&findings->items[i]);
    done = done && apply_to_places(build, build->rules->suppressions) &&
           apply_to_places(build, build->process.program_rules);
    for (size_t i = 0; i < findings->count && done; i++)
        if (findings->items[i].rule)
            findings->items[i].suppressed_by = findings->items[i].rule->label;
    /* A finding about threads that are no leaks, all of them, is nothing to report either. */
    return done && suppress_with_threads(&build->process, FIND_DEFAULT) && findings_set_verdict(findings);
}

/* ---- groups ----------------------------------------------------------------------------- */

static bool explains(const struct finding *finding)
{
    return finding->level > FINDING_NOTE && !finding->suppressed_by;
}

static void relate_group(struct leak_group *group, const struct finding_index *index)
{
    struct finding *best = NULL;
    for (size_t i = 0; i < group->thread_count; i++) {
        uint64_t id = group->threads[i].id;
        size_t at = finding_index_first(index, id);
        for (; at < index->count && index->items[at].id == id; at++)
            if (explains(index->items[at].finding) && finding_is_more_serious(index->items[at].finding, best))
                best = index->items[at].finding;
    }
    group->finding = best;
    if (best && group->counted)
        best->in_group = true;
}

void process_relate_findings(struct process_report *process)
{
    struct finding_index index;
    if (process->findings.count && finding_index_make(&index, &process->findings)) {
        for (size_t i = 0; i < process->group_count; i++)
            relate_group(&process->groups[i], &index);
        free(index.items);
    }
}
