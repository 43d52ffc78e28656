#include "cli/common/findings.h"

#include <stdio.h>

#include "cli/common/cli.h"
#include "common/slice.h"

/* ---- words ---------------------------------------------------------------------------- */

/* Cuts the text before the next ',' off. */
static struct slice next_word(const char **at)
{
    const char *end = strchrnul(*at, ',');
    struct slice word = {*at, (size_t)(end - *at)};
    *at = end + (*end != '\0');
    return word;
}

static enum finding_code code_of(struct slice word)
{
    int code = 0;
    while (code < FINDING_CODES && !slice_is(word, finding_name((enum finding_code)code)))
        code++;
    return (enum finding_code)code;
}

static bool refuse(const char *option, struct slice word, struct guess *guess, struct error *error)
{
    char hint[64];
    for (int code = 0; code < FINDING_CODES; code++)
        guess_try(guess, finding_name((enum finding_code)code));
    return error_set(error, "--%s: unknown finding '%.*s'%s; 'threadleak help findings' lists them", option,
                     (int)(word.length < 40 ? word.length : 40), word.text,
                     guess_text(guess, "", hint, sizeof(hint)));
}

/* ---- --find ----------------------------------------------------------------------------- */

static const struct {
    const char *name;
    unsigned find;
} sets[] = {{"default", FIND_DEFAULT}, {"all", FIND_ALL}, {"none", 0}};
enum { SETS = sizeof(sets) / sizeof(*sets) };

/* A code that is named is searched for whatever it costs. */
static bool read_find(struct slice word, unsigned *find)
{
    enum finding_code code = code_of(word);
    if (code != FINDING_CODES)
        *find |= 1u << code | FIND_UNLIMITED;
    for (int i = 0; i < SETS; i++)
        if (slice_is(word, sets[i].name)) {
            *find |= sets[i].find;
            return true;
        }
    return code != FINDING_CODES;
}

bool finding_options_set_find(void *line, const struct command_option *option, const char *value,
                              struct error *error)
{
    struct finding_options *options = command_member(line, option);
    const char *at = value;
    unsigned find = 0;
    if (!*value)
        return error_set(error, "--find= is empty; use default, all, none, or CODE,...");
    while (*at) {
        struct slice word = next_word(&at);
        struct guess guess = {.word = word};
        for (int i = 0; i < SETS; i++)
            guess_try(&guess, sets[i].name);
        if (!read_find(word, &find))
            return refuse("find", word, &guess, error);
    }
    options->find = find;
    return true;
}

/* ---- --fail-on -------------------------------------------------------------------------- */

static struct slice cut_level(struct slice *word)
{
    const char *colon = memchr(word->text, ':', word->length);
    if (!colon)
        return slice_of(finding_level_name(FINDING_PROVED));
    size_t length = (size_t)(colon - word->text);
    struct slice level = {colon + 1, word->length - length - 1};
    word->length = length;
    return level;
}

static bool read_level(struct slice word, enum finding_level *level, struct error *error)
{
    char hint[64];
    struct guess guess = {.word = word};
    for (int i = 0; i < FINDING_LEVELS; i++) {
        *level = (enum finding_level)i;
        if (slice_is(word, finding_level_name(*level)))
            return true;
        guess_try(&guess, finding_level_name(*level));
    }
    return error_set(error, "--fail-on: unknown level '%.*s'%s; use proved, likely or note",
                     (int)(word.length < 40 ? word.length : 40), word.text,
                     guess_text(&guess, "", hint, sizeof(hint)));
}

static bool read_fail_on(struct slice word, struct finding_options *options, struct error *error)
{
    enum finding_level level;
    struct slice level_word = cut_level(&word);
    struct guess guess = {.word = word};
    enum finding_code code = code_of(word);
    bool all = slice_is(word, "all");
    guess_try(&guess, "all");
    if (code == FINDING_CODES && !all)
        return refuse("fail-on", word, &guess, error);
    if (code == FINDING_GROWING)
        return error_set(error, "--fail-on=growing: only 'threadleak watch --check' finds growth");
    if (!read_level(level_word, &level, error))
        return false;
    for (int i = all ? 0 : (int)code; i <= (all ? FINDING_CODES - 1 : (int)code); i++)
        options->fail_on[i] = (unsigned char)(level + 1);
    return true;
}

bool finding_options_set_fail_on(void *line, const struct command_option *option, const char *value,
                                 struct error *error)
{
    struct finding_options *options = command_member(line, option);
    if (!*value)
        return error_set(error, "--fail-on= is empty; use CODE[:LEVEL],...");
    for (const char *at = value; *at;)
        if (!read_fail_on(next_word(&at), options, error))
            return false;
    return true;
}

/* ---- both ------------------------------------------------------------------------------- */

bool finding_options_check(const struct finding_options *options, struct error *error)
{
    unsigned wanted = 0;
    int missing = FINDING_CODES;
    for (int code = FINDING_CODES - 1; code >= 0; code--) {
        wanted += options->fail_on[code] > 0;
        if (options->fail_on[code] && !(options->find & 1u << code))
            missing = code;
    }
    if (missing == FINDING_CODES || wanted == FINDING_CODES)
        return true;
    return error_set(error, "--fail-on=%s cannot fail, because --find does not search for %s",
                     finding_name((enum finding_code)missing), finding_name((enum finding_code)missing));
}

static bool fails(const struct finding_options *options, const struct finding *finding)
{
    unsigned least = options->fail_on[finding->code];
    return least && (unsigned)finding->level + 1 >= least && !finding->suppressed_by;
}

enum reach_limit finding_reach(unsigned find, enum reach_limit by_default)
{
    if (!(find & (1u << FINDING_STUCK | 1u << FINDING_LOST_HANDLE)))
        return REACH_NOTHING;
    return find & FIND_UNLIMITED ? REACH_AVAILABLE : by_default;
}

void finding_options_mark(const struct finding_options *options, struct report *report)
{
    report->summary.failing_findings = 0;
    for (size_t i = 0; i < report->process_count; i++) {
        struct findings *findings = &report->processes[i].findings;
        for (size_t j = 0; j < findings->count; j++) {
            findings->items[j].fails = fails(options, &findings->items[j]);
            report->summary.failing_findings += findings->items[j].fails;
        }
    }
}
