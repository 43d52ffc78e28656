#include "base/shim.h"
#include "cli/common/cli.h"
#include "cli/common/command.h"
#include "cli/common/own_stack.h"
#include "cli/common/words.h"
#include "find/find.h"
#include "suppress/suppress.h"
#include "common/options.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

static int run_help(int argc, char **argv);
static int run_list_options(int argc, char **argv);

static const struct command command_help_row = {.name = "help",
                                                .summary = "explain a command",
                                                .run = run_help,
                                                .usage = "[COMMAND | suppressions | findings | FINDING]"};
static const struct command command_options = {
    .name = "_options", .summary = "list all options", .hidden = true, .run = run_list_options};

static const struct command *const commands[] = {
#define COMMAND(name) &command_##name,
#include "cli/common/commands.def"
    &command_help_row,
    &command_options,
};
enum { COMMAND_COUNT = sizeof(commands) / sizeof(commands[0]) };

static void print_usage(FILE *out)
{
    fputs("usage: threadleak COMMAND [OPTIONS] ...\n\n", out);
    for (size_t i = 0; i < COMMAND_COUNT; i++)
        if (!commands[i]->hidden)
            fprintf(out, "  %-9s %s\n", commands[i]->name, commands[i]->summary);
    fputs("\n'threadleak help COMMAND' lists its options; --version prints the version.\n"
          "'threadleak help findings' and 'threadleak help suppressions' list what a report\n"
          "can find, and the rules that accept leaks.\n"
          "Without 'threadleak run', this prints a report at the end of COMMAND, if threads\n"
          "leaked:\n",
          out);
    fprintf(out, "  %s COMMAND\n", shim_preload((char[SHIM_PRELOAD_MAX]){0}));
}

static const struct command *find_command(const char *name)
{
    for (size_t i = 0; i < COMMAND_COUNT; i++)
        if (!strcmp(commands[i]->name, name))
            return commands[i];
    return NULL;
}

/* " (did you mean run)", or "". help: for all that help explains. */
static const char *guess_word(const char *name, bool help)
{
    static char text[64];
    struct guess guess = {.word = slice_of(name)};
    for (size_t i = 0; i < COMMAND_COUNT; i++)
        if (!commands[i]->hidden)
            guess_try(&guess, commands[i]->name);
    if (help) {
        guess_try(&guess, "findings");
        guess_try(&guess, "suppressions");
    }
    for (int code = 0; help && code < FINDING_CODES; code++)
        guess_try(&guess, finding_name((enum finding_code)code));
    return guess_text(&guess, "", text, sizeof(text));
}

static void put_suppression_type(const struct suppression_type *type)
{
    int column = put_words(type->help, printf("  %-9s ", type->name), 12);
    if (type->condition)
        put_words("(only as a condition)", column, 12);
    putchar('\n');
}

static int help_suppressions(void)
{
    const struct suppression_type *type;
    puts("A rule is TYPE:PATTERN. More of these can follow as conditions. Threads that\n"
         "match all of them are not leaks.");
    puts("Types:");
    for (size_t i = 0; (type = suppression_type_at(i)); i++)
        put_suppression_type(type);
    puts("A pattern can match anywhere in a name. * matches any text, ^ the beginning, and\n"
         "$ the end.");
    return STATUS_REPORTED;
}

static void explain(const char *head, const char *text)
{
    if (!text)
        return;
    printf("\n%s:\n  ", head);
    put_words(text, 2, 2);
    putchar('\n');
}

static int help_finding(enum finding_code code)
{
    const struct finding_help *help = finding_help_of(code);
    put_words(help->meaning, printf("%s:", help->name), 0);
    putchar('\n');
    explain("How sure", help->sure);
    explain("What to do", help->next);
    explain("A proof assumes", help->assumes);
    return STATUS_REPORTED;
}

static int help_findings(void)
{
    puts("What the threads of a process prove together:");
    for (int code = 0; code < FINDING_CODES; code++) {
        const struct finding_help *help = finding_help_of((enum finding_code)code);
        put_words(help->meaning, printf("  %-18s  ", help->name), 22);
        putchar('\n');
    }
    puts("Each is proved, likely, or a note. 'threadleak help FINDING' explains one.");
    return STATUS_REPORTED;
}

static int run_help(int argc, char **argv)
{
    static char buffer[1 << 16]; /* all of it: then flushed() knows why it cannot be written */
    setvbuf(stdout, buffer, _IOFBF, sizeof(buffer));
    if (argc < 2 || argv[1][0] == '-') {
        print_usage(stdout);
        return STATUS_REPORTED;
    }
    if (!strcmp(argv[1], "suppressions"))
        return help_suppressions();
    if (!strcmp(argv[1], "findings"))
        return help_findings();
    if (finding_code_of(argv[1]) != FINDING_CODES)
        return help_finding(finding_code_of(argv[1]));
    const struct command *command = find_command(argv[1]);
    if (!command || command->hidden) {
        cli_message(
            "help: '%s' is neither a command nor a finding%s; 'threadleak help' lists the commands, "
            "'threadleak help findings' the findings, 'threadleak help suppressions' the types of rules",
            argv[1], guess_word(argv[1], true));
        return STATUS_CANNOT;
    }
    command_help(command);
    return STATUS_REPORTED;
}

/* For the man page and for completion: "command NAME SUMMARY", the options of it with their values, then "key
 * NAME DEFAULT HELP" and "finding NAME MEANING SURE NEXT ASSUMES"; "-": none. */
static int run_list_options(int argc, char **argv)
{
    const struct options_key *key;
    (void)argc, (void)argv;
    for (size_t i = 0; i < COMMAND_COUNT; i++)
        if (!commands[i]->hidden) {
            printf("command\t%s\t%s\n", commands[i]->name, commands[i]->summary);
            command_list_options(commands[i]);
        }
    for (unsigned n = 0; (key = options_key(n)); n++)
        printf("key\t%s\t%s\t%s\n", key->name, *key->initial ? key->initial : "-", key->help);
    for (int code = 0; code < FINDING_CODES; code++) {
        const struct finding_help *help = finding_help_of((enum finding_code)code);
        printf("finding\t%s\t%s\t%s\t%s\t%s\n", help->name, help->meaning, help->sure, help->next,
               help->assumes ? help->assumes : "-");
    }
    return STATUS_REPORTED;
}

/*
 * If the caller closed descriptor 0, 1 or 2, a file of this program must not get that number. /dev/null is
 * opened in the wrong direction, so that reading and writing fail as on a closed descriptor. A closed
 * standard error is as 2>/dev/null: the caller wants no messages, and the exit status is the result. They are
 * close-on-exec, so COMMAND has them closed.
 */
static void occupy_standard_descriptors(void)
{
    for (int fd = 0; fd <= 2; fd++) {
        if (fcntl(fd, F_GETFD) >= 0)
            continue;
        int opened = open("/dev/null", (fd == 1 ? O_RDONLY : O_WRONLY) | O_CLOEXEC);
        if (opened != fd && opened >= 0)
            close(opened);
    }
}

static int flushed(int status)
{
    errno = 0;
    if (!fflush(stdout) && !ferror(stdout))
        return status;
    if (status == STATUS_CANNOT || status == STATUS_FAILED) /* a message was printed already */
        return status;
    cli_message("standard output could not be written%s%s", errno ? ": " : "", errno ? strerror(errno) : "");
    return status == STATUS_REPORTED ? STATUS_CANNOT : status;
}

static bool asks_version(const char *word)
{
    return word && (!strcmp(word, "--version") || !strcmp(word, "-V"));
}

static int run_command(int argc, char **argv)
{
    if (argc < 2) {
        print_usage(stderr);
        return STATUS_CANNOT;
    }
    const char *name = argv[1];
    if (asks_version(name)) {
        puts("threadleak " THREADLEAK_VERSION);
        return flushed(STATUS_REPORTED);
    }
    if (!strcmp(name, "--help") || !strcmp(name, "-h"))
        name = "help";
    if (name[0] == '-') {
        cli_message("unknown option '%s'; give a command first, 'threadleak help' lists them", name);
        return STATUS_CANNOT;
    }
    const struct command *command = find_command(name);
    if (!command) {
        cli_message("unknown command '%s'%s; 'threadleak help' lists the commands", name,
                    guess_word(name, false));
        return STATUS_CANNOT;
    }
    if (!command->hidden && asks_version(argv[2])) { /* "threadleak run --version" */
        puts("threadleak " THREADLEAK_VERSION);
        return flushed(STATUS_REPORTED);
    }
    argv[1] = (char *)command->name;
    return flushed(command->run(argc - 1, argv + 1));
}

int main(int argc, char **argv)
{
    occupy_standard_descriptors();
    return run_on_own_stack(run_command, argc, argv);
}
