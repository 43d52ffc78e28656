#include "cli/common/cli.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

static int cmd_help(int argc, char **argv);

static const struct command commands[] = {
    {"run", "run a command and report the threads that it and its children leak", false, cmd_run},
    {"report", "report the threads of a live process, or of what a dead one left behind", false, cmd_report},
    {"selftest", "plant leaks and look whether they are found on this machine", false, cmd_selftest},
    {"help", "explain a command", false, cmd_help},
    {"_explain", "explain the ledger of the calling process", true, cmd_explain},
    {"_plant", "leak threads, for selftest", true, cmd_plant},
};
enum { COMMAND_COUNT = sizeof(commands) / sizeof(commands[0]) };

static void print_usage(FILE *out)
{
    fputs("usage: threadleak COMMAND [OPTIONS] …\n\n", out);
    for (size_t i = 0; i < COMMAND_COUNT; i++)
        if (!commands[i].hidden)
            fprintf(out, "  %-8s %s\n", commands[i].name, commands[i].summary);
    fputs("\n'threadleak help COMMAND' lists its options; --version names the version.\n"
          "Without this program: LD_PRELOAD=libthreadleak.so COMMAND reports at the end of COMMAND.\n",
          out);
}

static const struct command *find_command(const char *name)
{
    for (size_t i = 0; i < COMMAND_COUNT; i++)
        if (!strcmp(commands[i].name, name))
            return &commands[i];
    return NULL;
}

static int cmd_help(int argc, char **argv)
{
    if (argc < 2 || argv[1][0] == '-') {
        print_usage(stdout);
        return STATUS_REPORTED;
    }
    const struct command *command = find_command(argv[1]);
    if (!command) {
        cli_message(
            "help: no command is called '%s'; 'threadleak help run' lists the options, 'man threadleak' "
            "explains formats and suppressions",
            argv[1]);
        return STATUS_CANNOT;
    }
    if (command->run == cmd_help) {
        puts("usage: threadleak help [COMMAND]");
        return STATUS_REPORTED;
    }
    char *ask[] = {argv[1], (char[]){"--help"}, NULL};
    return command->run(2, ask);
}

/*
 * A file of ours must never become descriptor 0, 1 or 2 because the caller had
 * closed it.  The wrong direction makes use of them fail as if they were closed;
 * close-on-exec, a command that is run finds them closed.
 */
static void occupy_standard_descriptors(void)
{
    for (int fd = 0; fd <= 2; fd++) {
        if (fcntl(fd, F_GETFD) >= 0)
            continue;
        int opened = open("/dev/null", (fd == 0 ? O_WRONLY : O_RDONLY) | O_CLOEXEC);
        if (opened != fd && opened >= 0)
            close(opened);
    }
}

static int flushed(int status)
{
    errno = 0;
    if (!fflush(stdout) && !ferror(stdout))
        return status;
    if (status == STATUS_CANNOT || status == STATUS_FAILED) /* which is told already */
        return status;
    cli_message("standard output could not be written%s%s", errno ? ": " : "", errno ? strerror(errno) : "");
    return status == STATUS_REPORTED ? STATUS_CANNOT : status;
}

static bool asks_version(const char *word)
{
    return word && (!strcmp(word, "--version") || !strcmp(word, "-V"));
}

int main(int argc, char **argv)
{
    occupy_standard_descriptors();
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
        cli_message("unknown option '%s'; a command comes first, 'threadleak help' lists them", name);
        return STATUS_CANNOT;
    }
    const struct command *command = find_command(name);
    if (!command) {
        cli_message("unknown command '%s'; 'threadleak help' lists the commands", name);
        return STATUS_CANNOT;
    }
    if (!command->hidden && asks_version(argv[2])) { /* "threadleak run --version" */
        puts("threadleak " THREADLEAK_VERSION);
        return flushed(STATUS_REPORTED);
    }
    argv[1] = (char *)command->name;
    return flushed(command->run(argc - 1, argv + 1));
}
