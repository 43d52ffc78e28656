/*
 * Rules as they are parsed: a rule is parts, and all of them must match the same thread. types.def has the
 * types. Private to suppress/.
 */
#ifndef THREADLEAK_SUPPRESS_RULE_H
#define THREADLEAK_SUPPRESS_RULE_H

#include "suppress/suppress.h"

#define RULE_LINE_MAX 4096 /* bytes of a line */
#define RULE_PARTS_MAX 16  /* of a rule */

enum part_type {
#define RULE_TYPE(id, name, flags, longest, parse, of_site, of_thread, help) PART_##id,
#include "suppress/types.def"
    PART_TYPES
};

enum type_flags {
    TYPE_FIRST = 1u << 0,    /* may be the first part of a rule; the others are only conditions */
    TYPE_LIST = 1u << 1,     /* comma-separated words, only once in a rule */
    TYPE_FUNCTION = 1u << 2, /* matches functions */
    TYPE_CREATION = 1u << 3, /* matches the creation stack, which may be truncated */
    TYPE_CURRENT = 1u << 4,  /* matches the current state, which an ended thread does not have */
};

struct rule_type {
    struct suppression_type shown;
    unsigned flags; /* enum type_flags */
    size_t longest; /* see types.def */
};
extern const struct rule_type rule_types[PART_TYPES];
/* PART_TYPES: unknown name. */
enum part_type part_type_of(const char *name, size_t length);

struct part {
    enum part_type type;
    char *glob;    /* matches a whole name; '*' is the only special character; NULL: bits */
    unsigned bits; /* waiting: 1u << enum wait_on; kind: KIND_*; finding: 1u << enum finding_code */
};

struct rule {
    struct suppression_rule shown;
    struct part parts[RULE_PARTS_MAX];
    size_t part_count;
};

struct suppressions {
    struct rule **rules;
    char **origins; /* what rules' origins point to */
    size_t count, origin_count;
    bool match_all;
};

/* The error of a line, and its column. */
struct rule_error {
    size_t column; /* from 1 */
    char text[400];
};

enum line_is { LINE_EMPTY, LINE_RULE, LINE_WRONG, LINE_NO_MEMORY };
/* Parses a line without its newline. LINE_RULE: the caller owns the rule, whose origin is not set yet. */
enum line_is rule_parse(const char *line, size_t length, bool match_all, struct rule **rule,
                        struct rule_error *error);
/* NULL: nothing. */
void rule_free(struct rule *rule);

/* The pattern of a part, as written between '^' and '$'. */
struct pattern_text {
    enum part_type type;
    const char *body, *end;  /* not empty */
    bool from_start, to_end; /* '^', '$' */
    bool more;               /* a condition follows */
};
/* The byte that prevents every match, with the reason in `why`; NULL: no such byte. */
const char *pattern_never_matches(const struct pattern_text *pattern, char *why, size_t size);

/* Does the glob match the whole name? */
bool glob_matches(const char *glob, const char *name);
/*
 * The same for a function. A glob without '(' may match a C++ function without its arguments as well:
 * "ns::beat" is "ns::beat(int) const", and "beat<int>" is "void beat<int>(int)".
 */
bool glob_matches_function(const char *glob, const char *function);

/* Rules of a file, a library or a program. `origin` begins messages: the name of the file. */
struct rule_text {
    const char *text;
    size_t length;
    const char *origin;
    enum suppression_source source;
};
/* Adds all rules of the text. False with the first error: none is added. */
bool suppressions_add_text(struct suppressions *suppressions, const struct rule_text *from,
                           struct error *error);

#endif
