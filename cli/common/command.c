#include "cli/common/command.h"

#include <assert.h>
#include <getopt.h>
#include <string.h>

#include "base/text.h"
#include "cli/common/cli.h"
#include "cli/common/words.h"
#include "common/options.h"

enum { OPTIONS_MAX = 62, FIRST_VALUE = 256, HELP_COLUMN = 24 };

/* ---- values --------------------------------------------------------------------- */

bool command_set_flag(void *line, const struct command_option *option, const char *value, struct error *error)
{
    (void)value, (void)error;
    return *(bool *)command_member(line, option) = true;
}

bool command_set_int(void *line, const struct command_option *option, const char *value, struct error *error)
{
    (void)value, (void)error;
    *(int *)command_member(line, option) = option->value;
    return true;
}

bool command_set_text(void *line, const struct command_option *option, const char *value, struct error *error)
{
    (void)error;
    *(const char **)command_member(line, option) = value;
    return true;
}

bool command_set_key(void *line, const struct command_option *option, const char *value, struct error *error)
{
    const char *given = value ? value : option->key_value;
    const char *problem = options_set(command_member(line, option), option->key, given, strlen(given));
    if (problem)
        error_set(error, "--%s=%s %s", option->name, given, problem);
    return !problem;
}

bool command_set_duration(void *line, const struct command_option *option, const char *value,
                          struct error *error)
{
    return cli_duration(value, command_member(line, option)) ||
           error_set(error, "--%s=%s is not a duration; use 500ms, 5s, 10m or 2h", option->name, value);
}

bool command_set_interval(void *line, const struct command_option *option, const char *value,
                          struct error *error)
{
    const double *seconds = command_member(line, option);
    if (!command_set_duration(line, option, value, error))
        return false;
    return (*seconds >= 0.01 && *seconds <= 24 * 3600) ||
           error_set(error, "--%s=%s is not a duration from 10ms to 24h", option->name, value);
}

static const struct options_key *key_of(const struct command_option *row)
{
    return row->key ? options_key_find(slice_of(row->key)) : NULL;
}

/* Is it one of the words that the option can have? */
static bool is_value(const struct command_option *row, const char *value)
{
    const struct options_key *key = row->words ? NULL : key_of(row);
    for (const struct word *word = key ? key->words : NULL; word && word->name; word++)
        if (strcmp(word->name, value) == 0)
            return true;
    for (const char *at = row->words; at && *at; at += strspn(at, " ")) {
        size_t length = strcspn(at, " ");
        if (length == strlen(value) && memcmp(at, value, length) == 0)
            return true;
        at += length;
    }
    return false;
}

/* ---- parsing ----------------------------------------------------------------------- */

struct parser {
    char letters[OPTIONS_MAX * 2 + 4];
    struct option table[OPTIONS_MAX + 2]; /* in the order of the rows, then --help */
    size_t count;
};

static int argument_kind(const struct command_option *option)
{
    if (!option->argument)
        return no_argument;
    return option->argument[0] == '[' ? optional_argument : required_argument;
}

static void prepare(struct parser *parser, const struct command *command)
{
    char *letter = stpcpy(parser->letters, command->runs_another ? "+:h" : ":h");
    const struct command_option *row = command->options;
    parser->count = 0;
    for (; row->name; row++) {
        assert(parser->count < OPTIONS_MAX);
        parser->table[parser->count] =
            (struct option){row->name, argument_kind(row), NULL, FIRST_VALUE + (int)parser->count};
        parser->count++;
        if (row->letter)
            letter += sprintf(letter, "%c%s", row->letter, row->argument ? ":" : "");
    }
    parser->table[parser->count] = (struct option){"help", no_argument, NULL, 'h'};
    parser->table[parser->count + 1] = (struct option){NULL, 0, NULL, 0};
}

/* NULL: none. */
static const struct command_option *find_row(const struct command *command, const struct parser *parser,
                                             int value)
{
    if (value >= FIRST_VALUE && value < FIRST_VALUE + (int)parser->count)
        return &command->options[value - FIRST_VALUE];
    for (const struct command_option *row = command->options; row->name; row++)
        if (value && row->letter == value)
            return row;
    return NULL;
}

/* ": --a, --b" if several options begin with the word, or "". */
static const char *list_ambiguous(const struct parser *parser, const char *word, struct line *line)
{
    unsigned count = 0;
    for (const struct option *known = parser->table; *word && known->name; known++) {
        if (strncmp(known->name, word, strlen(word)) != 0)
            continue;
        line_add(line, "%s--%s", count++ ? ", " : ": ", known->name);
    }
    return count > 1 ? line->text : "";
}

/* " (did you mean --format=junit:x)" for --junit=x, or "". */
static const char *format_hint(const struct command *command, const char *word, const char *given,
                               struct line *line)
{
    const char *equals = strchr(given, '=');
    for (const struct command_option *row = command->options; row->name; row++) {
        if (strcmp(row->name, "format") != 0 || !is_value(row, word))
            continue;
        bool file = equals && equals[1] && strchr(row->argument, ':');
        line_add(line, " (did you mean --format=%s%s%s)", word, file ? ":" : "", file ? equals + 1 : "");
    }
    return line->text;
}

/* Prints the error for `result` of getopt_long. optopt is 0 for an unknown long name. */
static enum command_parsed refuse(const struct command *command, const struct parser *parser, int result,
                                  char **argv)
{
    const struct command_option *row = find_row(command, parser, optopt);
    const char *name = command->name;
    const char *given = argv[optind - 1];
    char word[64], hint[64];
    struct line several = {.length = 0}, format = {.length = 0};
    struct guess guess;
    given += strspn(given, "-");
    snprintf(word, sizeof(word), "%.*s", (int)strcspn(given, "="), given);
    guess = (struct guess){.word = slice_of(word)};
    for (const struct option *known = parser->table; known->name; known++)
        guess_try(&guess, known->name);
    if (row && result == ':')
        cli_message("%s: --%s needs a value; see 'threadleak help %s'", name, row->name, name);
    else if (row || optopt == 'h')
        cli_message("%s: --%s takes no value; see 'threadleak help %s'", name, row ? row->name : "help",
                    name);
    else if (optopt)
        cli_message("%s: unknown option '-%c'; see 'threadleak help %s'", name, optopt, name);
    else if (*list_ambiguous(parser, word, &several))
        cli_message("%s: ambiguous option '%s'%s", name, argv[optind - 1], several.text);
    else
        cli_message("%s: unknown option '%s'%s; see 'threadleak help %s'", name, argv[optind - 1],
                    *format_hint(command, word, given, &format)
                        ? format.text
                        : guess_text(&guess, "--", hint, sizeof(hint)),
                    name);
    return COMMAND_WRONG;
}

enum command_parsed command_parse(const struct command *command, int argc, char **argv, void *line)
{
    struct parser parser;
    prepare(&parser, command);
    optind = 1;
    opterr = 0;
    for (int value; (value = getopt_long(argc, argv, parser.letters, parser.table, NULL)) != -1;) {
        struct error error = {""};
        if (value == 'h') {
            command_help(command);
            return COMMAND_HELPED;
        }
        if (value == '?' || value == ':')
            return refuse(command, &parser, value, argv);
        const struct command_option *row = find_row(command, &parser, value);
        if (row->set(line, row, optarg, &error))
            continue;
        cli_message("%s: %s", command->name, error.text);
        return COMMAND_WRONG;
    }
    return COMMAND_PARSED;
}

int command_parse_status(enum command_parsed parsed)
{
    return parsed == COMMAND_HELPED ? STATUS_REPORTED : STATUS_CANNOT;
}

/* ---- help ------------------------------------------------------------------------------ */

static const char *help_of(const struct command_option *row)
{
    return row->help ? row->help : key_of(row)->help;
}

/* "": none */
static const char *initial_of(const struct command_option *row)
{
    const struct options_key *key = row->argument ? key_of(row) : NULL;
    return row->initial ? row->initial : key ? key->initial : "";
}

static void put_row(const struct command_option *row)
{
    char text[64];
    int column = row->letter ? printf("  -%c, --%s", row->letter, row->name) : printf("  --%s", row->name);
    if (row->argument)
        column += printf(row->argument[0] == '[' ? "[=%s" : "=%s", row->argument + (row->argument[0] == '['));
    if (column > HELP_COLUMN - 2)
        column = printf("\n") - 1;
    column += printf("%*s", HELP_COLUMN - column, "");
    column = put_words(help_of(row), column, HELP_COLUMN);
    snprintf(text, sizeof(text), "(default %s)", initial_of(row));
    if (*initial_of(row))
        put_words(text, column, HELP_COLUMN);
    putchar('\n');
}

void command_help(const struct command *command)
{
    printf("usage: threadleak %s %s\n", command->name, command->usage);
    if (!command->options)
        return;
    printf("\n%s\n", command->about);
    for (const struct command_option *row = command->options; row->name; row++)
        put_row(row);
    printf("\n%s", command->after);
}

static const char *or_none(const char *text)
{
    return text && *text ? text : "-";
}

static void list_value(const struct command *command, const struct command_option *row, struct slice value)
{
    printf("value\t%s\t--%s\t%.*s\n", command->name, row->name, (int)value.length, value.text);
}

static void list_values(const struct command *command, const struct command_option *row)
{
    const struct options_key *key = row->argument ? key_of(row) : NULL;
    for (const struct word *word = row->words || !key ? NULL : key->words; word && word->name; word++)
        list_value(command, row, slice_of(word->name));
    for (const char *at = row->words; at && *at; at += strspn(at, " ")) {
        size_t length = strcspn(at, " ");
        list_value(command, row, (struct slice){at, length});
        at += length;
    }
}

void command_list_options(const struct command *command)
{
    for (const struct command_option *row = command->options; row && row->name; row++) {
        printf("option\t%s\t--%s\t%c\t%s\t%s%s%s\t%s\t%s\n", command->name, row->name,
               row->letter ? row->letter : '-', or_none(row->argument), or_none(row->key),
               row->key_value ? "=" : "", row->key_value ? row->key_value : "", or_none(initial_of(row)),
               help_of(row));
        list_values(command, row);
    }
}
