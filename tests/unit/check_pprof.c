/* The format "pprof": what a reader finds in a profile of the made-up report. */
#include <locale.h>
#include <profile.pb-c.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include "formats_made.h"
#include "report/report.h"
#include "suite.h"

#define UNPACKED_MAX (1 << 20)

static struct report_style style;

/* The profile that is printed. */
static Pprof__Profile *printed(void)
{
    static uint8_t bytes[UNPACKED_MAX];
    char *packed = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&packed, &size);
    ck_assert(report_print(&report_pprof, out, &made_report, &style));
    fclose(out);
    z_stream stream = {
        .next_in = (uint8_t *)packed, .avail_in = (uInt)size, .next_out = bytes, .avail_out = sizeof(bytes)};
    ck_assert_int_eq(inflateInit2(&stream, 15 + 16), Z_OK);
    ck_assert_int_eq(inflate(&stream, Z_FINISH), Z_STREAM_END);
    inflateEnd(&stream);
    free(packed);
    Pprof__Profile *profile = pprof__profile__unpack(NULL, sizeof(bytes) - stream.avail_out, bytes);
    ck_assert_ptr_nonnull(profile);
    return profile;
}

static const char *string_of(const Pprof__Profile *profile, int64_t index)
{
    ck_assert(index >= 0 && (size_t)index < profile->n_string_table);
    return profile->string_table[index];
}

/* Everything that an id or an index names is there, and is text. */
static void is_whole(const Pprof__Profile *profile)
{
    ck_assert_str_eq(profile->string_table[0], "");
    for (size_t i = 0; i < profile->n_string_table; i++) {
        ck_assert_msg(mbstowcs(NULL, profile->string_table[i], 0) != (size_t)-1, "%s",
                      profile->string_table[i]);
        ck_assert_ptr_null(strpbrk(profile->string_table[i], "\n\033\r"));
    }
    for (size_t i = 0; i < profile->n_location; i++) {
        const Pprof__Location *location = profile->location[i];
        ck_assert_uint_eq(location->id, i + 1);
        ck_assert_uint_le(location->mapping_id, profile->n_mapping);
        for (size_t j = 0; j < location->n_line; j++)
            ck_assert(location->line[j]->function_id - 1 < profile->n_function);
    }
    for (size_t i = 0; i < profile->n_function; i++)
        ck_assert_str_ne(string_of(profile, profile->function[i]->name), "");
    for (size_t i = 0; i < profile->n_sample; i++) {
        const Pprof__Sample *sample = profile->sample[i];
        ck_assert_uint_eq(sample->n_value, profile->n_sample_type);
        ck_assert_int_eq(sample->value[0], 1);
        ck_assert_uint_gt(sample->n_location_id, 0);
        for (size_t j = 0; j < sample->n_location_id; j++)
            ck_assert(sample->location_id[j] - 1 < profile->n_location);
    }
}

/* The text of a label; NULL: the sample has no such label. */
static const char *label_of(const Pprof__Profile *profile, const Pprof__Sample *sample, const char *key)
{
    for (size_t i = 0; i < sample->n_label; i++)
        if (!strcmp(string_of(profile, sample->label[i]->key), key))
            return string_of(profile, sample->label[i]->str);
    return NULL;
}

static int64_t number_of(const Pprof__Profile *profile, const Pprof__Sample *sample, const char *key)
{
    for (size_t i = 0; i < sample->n_label; i++)
        if (!strcmp(string_of(profile, sample->label[i]->key), key))
            return sample->label[i]->num;
    return 0;
}

/* The innermost function of a location of a sample. */
static const char *function_at(const Pprof__Profile *profile, const Pprof__Sample *sample, size_t index)
{
    const Pprof__Location *location = profile->location[sample->location_id[index] - 1];
    return string_of(profile, profile->function[location->line[0]->function_id - 1]->name);
}

START_TEST(a_sample_is_a_thread)
{
    Pprof__Profile *profile = printed();
    is_whole(profile);
    ck_assert_uint_eq(profile->n_sample, 6); /* of the suppressed group none */
    const Pprof__Sample *sample = profile->sample[0];
    ck_assert_str_eq(function_at(profile, sample, 0), "pthread_cond_wait");
    ck_assert_str_eq(function_at(profile, sample, 1), "worker_loop");
    ck_assert_int_eq(number_of(profile, sample, "tid"), 4245);
    ck_assert_int_eq(number_of(profile, sample, "id"), 3);
    ck_assert_int_eq(number_of(profile, sample, "pid"), 4242);
    ck_assert_str_eq(label_of(profile, sample, "name"), "worker");
    ck_assert_str_eq(label_of(profile, sample, "kind"), "running");
    ck_assert_str_eq(label_of(profile, sample, "wait"), "condvar");
    ck_assert_str_eq(label_of(profile, sample, "leaked"), "yes");
    ck_assert_ptr_null(label_of(profile, sample, "finding"));
    pprof__profile__free_unpacked(profile, NULL);
}
END_TEST

START_TEST(values_have_units_and_unknown_ones_are_named)
{
    static const char *const types[][2] = {
        {"threads", "count"}, {"age", "nanoseconds"}, {"cpu", "nanoseconds"}};
    Pprof__Profile *profile = printed();
    ck_assert_uint_eq(profile->n_sample_type, 3);
    for (size_t i = 0; i < 3; i++) {
        ck_assert_str_eq(string_of(profile, profile->sample_type[i]->type), types[i][0]);
        ck_assert_str_eq(string_of(profile, profile->sample_type[i]->unit), types[i][1]);
    }
    ck_assert_str_eq(string_of(profile, profile->default_sample_type), "threads");
    ck_assert_int_eq(profile->sample[0]->value[1], 1250000000);
    ck_assert_int_eq(profile->sample[0]->value[2], 0);
    ck_assert_str_eq(label_of(profile, profile->sample[0], "unknown"), "cpu");
    pprof__profile__free_unpacked(profile, NULL);
}
END_TEST

START_TEST(creation_stacks)
{
    style.by_creation = true;
    Pprof__Profile *profile = printed();
    is_whole(profile);
    ck_assert_str_eq(function_at(profile, profile->sample[0], 0), "pool_start");
    ck_assert_str_eq(function_at(profile, profile->sample[0], 1), "main");
    ck_assert_uint_eq(profile->n_mapping, 2);
    ck_assert_str_eq(string_of(profile, profile->mapping[0]->filename), "/usr/bin/app");
    pprof__profile__free_unpacked(profile, NULL);
}
END_TEST

START_TEST(an_ended_thread_is_below_the_word_that_says_so)
{
    style.all = true;
    for (int i = 0; i < 2; i++)
        made_threads[i].current = NULL;
    made_report.process_count = 1;
    Pprof__Profile *profile = printed();
    is_whole(profile);
    ck_assert_uint_eq(profile->n_sample, 4);
    const Pprof__Sample *sample = profile->sample[2];
    ck_assert_str_eq(label_of(profile, sample, "kind"), "unjoined");
    ck_assert_str_eq(function_at(profile, sample, 0), "pool_start");
    ck_assert_str_eq(function_at(profile, sample, sample->n_location_id - 1), "[unjoined, created by]");
    pprof__profile__free_unpacked(profile, NULL);
}
END_TEST

START_TEST(inlined_functions_are_lines_of_one_location)
{
    made_waiting_stack[0].inlined = true;
    Pprof__Profile *profile = printed();
    is_whole(profile);
    ck_assert_uint_eq(profile->sample[0]->n_location_id, 1);
    const Pprof__Location *location = profile->location[profile->sample[0]->location_id[0] - 1];
    ck_assert_uint_eq(location->n_line, 2);
    ck_assert_int_eq(location->line[1]->line, 27);
    pprof__profile__free_unpacked(profile, NULL);
}
END_TEST

START_TEST(hostile_names_and_nothing_known)
{
    made_waiting_stack[1].function = made_waiting_stack[0].module = HOSTILE;
    made_waiting_stack[1].file = made_processes[0].exe = HOSTILE;
    memcpy(made_threads[0].name, "\033]]>\n\"\\#\xff%0A:,", 15);
    made_stack[0].build_id = HOSTILE;
    Pprof__Profile *profile = printed();
    is_whole(profile);
    pprof__profile__free_unpacked(profile, NULL);
    made_waiting_stack[0] = made_waiting_stack[1] = (struct frame){.pc = 0};
    made_stack[0] = made_stack[1] = made_stack[2] = (struct frame){.pc = 0};
    profile = printed();
    is_whole(profile);
    pprof__profile__free_unpacked(profile, NULL);
    made_report.process_count = 0;
    profile = printed();
    is_whole(profile);
    ck_assert_uint_eq(profile->n_sample, 0);
    pprof__profile__free_unpacked(profile, NULL);
}
END_TEST

static void set_up(void)
{
    style = (struct report_style){.others = true};
    formats_set_up();
}

int main(void)
{
    TCase *tests = tcase_create("pprof");
    if (!setlocale(LC_CTYPE, "C.UTF-8"))
        abort();
    tcase_add_checked_fixture(tests, set_up, NULL);
    tcase_add_test(tests, a_sample_is_a_thread);
    tcase_add_test(tests, values_have_units_and_unknown_ones_are_named);
    tcase_add_test(tests, creation_stacks);
    tcase_add_test(tests, an_ended_thread_is_below_the_word_that_says_so);
    tcase_add_test(tests, inlined_functions_are_lines_of_one_location);
    tcase_add_test(tests, hostile_names_and_nothing_known);
    return suite_run("pprof", tests);
}
