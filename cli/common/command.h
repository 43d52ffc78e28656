/*
 * A command of threadleak and its options. One row of its table is one option. The parser, --help, the list
 * in the man page and shell completion use the rows.
 *
 * To add an option, add a row to the table of the command, a member for its value, and the code that uses it.
 * Put longer explanations into man/threadleak-NAME.1.scd, after "@option NAME". To add a command, write a
 * file with its struct command, a row in commands.def, and a page of the manual.
 */
#ifndef THREADLEAK_CLI_COMMON_COMMAND_H
#define THREADLEAK_CLI_COMMON_COMMAND_H

#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"

struct command_option;
/* Stores the value in `line`, the struct of the command. value: NULL without an argument; it is valid as long
 * as argv. False: error has the reason. */
typedef bool command_set_fn(void *line, const struct command_option *option, const char *value,
                            struct error *error);

struct command_option {
    const char *name;      /* long name without "--"; NULL ends a table */
    char letter;           /* 0: none */
    const char *argument;  /* "FILE"; "[FILE]": optional; NULL: takes none */
    const char *key;       /* key of THREADLEAK_OPTIONS with the same meaning; NULL: none */
    const char *key_value; /* value of the key, for an option that takes no argument */
    const char *initial;   /* default for --help; NULL: the one of the key, or none */
    const char *help;      /* one line; NULL: the help of the key */
    const char *words;     /* values that it can have, "text json"; NULL: those of the key, or any */
    command_set_fn *set;
    size_t offset; /* offset of the member that `set` sets, in the command's struct */
    int value;     /* for command_set_int */
};

/* The member that an option sets. */
static inline void *command_member(void *line, const struct command_option *option)
{
    return (char *)line + option->offset;
}

/* Functions for `set`. */
command_set_fn command_set_flag;     /* bool: true */
command_set_fn command_set_int;      /* int: option->value */
command_set_fn command_set_text;     /* const char *: the argument */
command_set_fn command_set_key;      /* struct options: the key */
command_set_fn command_set_duration; /* double: seconds, of "500ms", "5s", "10m" or "2h" */
command_set_fn command_set_interval; /* the same, for the time between two samples: from 10 ms to a day */

/* A row for a bool.  MEMBER(name) must be defined: the offset of a member. */
#define COMMAND_FLAG(option, member, text)                                              \
    {                                                                                   \
        .name = option, .set = command_set_flag, .offset = MEMBER(member), .help = text \
    }

struct command {
    const char *name;
    const char *summary;               /* one line for `threadleak help` */
    bool hidden;                       /* not in the help */
    bool runs_another;                 /* its options end at the first argument */
    int (*run)(int argc, char **argv); /* argv[0] is the command's name; returns the exit status */
    const char *usage;                 /* text after the name in the usage line */
    const char *about, *after;         /* text before and after the list of options in the help */
    const struct command_option *options;
};
#define COMMAND(name) extern const struct command command_##name;
#include "cli/common/commands.def"

enum command_parsed {
    COMMAND_PARSED, /* arguments begin at optind */
    COMMAND_HELPED, /* the help was printed */
    COMMAND_WRONG   /* a message was printed */
};
enum command_parsed command_parse(const struct command *command, int argc, char **argv, void *line);

/* The exit status of a command that printed its help or an error. */
int command_parse_status(enum command_parsed parsed);

/* Prints the help on standard output. */
void command_help(const struct command *command);

/* For the man page and for completion, prints a line for each option, with tabs between the fields: "option
 * COMMAND --NAME LETTER ARGUMENT KEY[=VALUE] DEFAULT HELP"; "-": none. After it a line for each value that
 * can be completed: "value COMMAND --NAME VALUE". */
void command_list_options(const struct command *command);

#endif
