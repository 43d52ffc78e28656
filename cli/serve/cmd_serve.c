/* `threadleak serve`: an HTTP server that shows the threads of the processes of its user. */
#include <errno.h>
#include <getopt.h>
#include <signal.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "cli/common/cli.h"
#include "cli/common/command.h"
#include "cli/serve/guard.h"
#include "cli/serve/findings.h"
#include "cli/serve/server.h"

#define DEFAULT_LISTEN "127.0.0.1:9844"

static bool add_host(void *line, const struct command_option *option, const char *value, struct error *error)
{
    struct serve_options *options = line;
    (void)option;
    if (!*value)
        return error_set(error, "--host= is empty; give a name of this server");
    if (options->host_count == HOSTS_MAX)
        return error_set(error, "--host: at most %d names", HOSTS_MAX);
    options->hosts[options->host_count++] = value;
    return true;
}

#define MEMBER(name) offsetof(struct serve_options, name)

static const struct command_option option_table[] = {
    {.name = "listen",
     .argument = "ADDR:PORT",
     .initial = DEFAULT_LISTEN,
     .set = command_set_text,
     .offset = MEMBER(listen),
     .help = "address and port; port 0: a free one, which is printed"},
    {.name = "unix",
     .argument = "PATH",
     .set = command_set_text,
     .offset = MEMBER(unix_path),
     .help = "listen on a Unix socket, which only this user can use, instead of ADDR:PORT"},
    {.name = "token-file",
     .argument = "FILE",
     .set = command_set_text,
     .offset = MEMBER(token_file),
     .help = "requests need the token in FILE, of mode 600: Authorization: Bearer TOKEN"},
    {.name = "host",
     .argument = "NAME",
     .set = add_host,
     .help = "a name of this server, which requests may have as Host; may be repeated"},
    COMMAND_FLAG("all-users", all_users, "processes of all users; needs --token-file or --unix"),
    {.name = "find-every",
     .argument = "TIME",
     .set = command_set_duration,
     .offset = MEMBER(find_every_s),
     .help = "time between two searches for findings in each watched process; each search stops it for "
             "milliseconds"},
    {.name = "timeout",
     .argument = "TIME",
     .initial = "10s",
     .set = command_set_duration,
     .offset = MEMBER(timeout_s),
     .help = "close the connection of a client whose request is not complete by then"},
    {.name = NULL},
};

/* ---- the command line ------------------------------------------------------------------ */

static bool check_line(struct serve_options *options, int argc, char **argv, struct error *error)
{
    if (optind < argc)
        return error_set(error, "takes no argument '%s'; a request selects a process by ?pid=", argv[optind]);
    if (options->listen && options->unix_path)
        return error_set(error, "give --listen or --unix, not both");
    if (options->all_users && !options->token_file && !options->unix_path)
        return error_set(error,
                         "--all-users shows other users' processes; add --token-file=FILE or --unix=PATH");
    return !options->token_file || guard_check_file(options->token_file, error);
}

static bool open_listener(struct server *server, struct error *error)
{
    const struct serve_options *options = server->options;
    struct listener *listener = &server->listener;
    if (options->unix_path)
        return listener_open_unix(listener, options->unix_path, error);
    if (!listener_open_tcp(listener, options->listen ? options->listen : DEFAULT_LISTEN, error))
        return false;
    if (listener->loopback || options->token_file)
        return true;
    close(listener->fd);
    return error_set(error, "--listen=%s can be reached from other machines; add --token-file=FILE",
                     options->listen);
}

/* ---- running ----------------------------------------------------------------------------- */

static void ending_signals(sigset_t *signals)
{
    sigemptyset(signals);
    sigaddset(signals, SIGTERM);
    sigaddset(signals, SIGINT);
    sigaddset(signals, SIGHUP);
}

static void wait_for_end(struct server *server, const sigset_t *signals)
{
    const struct timespec pause = {.tv_nsec = 500000000};
    const uint64_t every_ns = (uint64_t)(server->options->find_every_s * 1e9);
    uint64_t next = now_ns();
    while (sigtimedwait(signals, NULL, &pause) < 0) {
        deadlines_enforce(&server->deadlines);
        if (!every_ns || now_ns() < next)
            continue;
        serve_read_findings(&server->serving, signals);
        next = now_ns() + every_ns;
    }
}

/* So that a script which chose port 0 can read the port. */
static bool print_url(const struct server *server, struct error *error)
{
    printf("threadleak: serving on %s\n", server->listener.url);
    if (fflush(stdout) == 0)
        return true;
    return error_set(error, "standard output could not be written: %s", strerror(errno));
}

static bool serve(struct server *server, struct error *error)
{
    sigset_t signals;
    ending_signals(&signals);
    signal(SIGPIPE, SIG_IGN);
    sigprocmask(SIG_BLOCK, &signals, NULL);
    if (!http_load(error) || !open_listener(server, error))
        return false;
    if (!server_start(server, error)) {
        close(server->listener.fd);
        listener_remove(&server->listener);
        return false;
    }
    bool printed = print_url(server, error);
    if (printed)
        wait_for_end(server, &signals);
    server_stop(server);
    return printed;
}

static int run(int argc, char **argv)
{
    struct serve_options options = {.timeout_s = 10};
    struct server server = {.options = &options};
    struct error error;
    enum command_parsed parsed = command_parse(&command_serve, argc, argv, &options);
    if (parsed != COMMAND_PARSED)
        return command_parse_status(parsed);
    if (check_line(&options, argc, argv, &error) && serve(&server, &error))
        return STATUS_REPORTED;
    cli_message("serve: %s", error.text);
    return STATUS_CANNOT;
}

const struct command command_serve = {
    .name = "serve",
    .summary = "serve a page, metrics and profiles of running programs over HTTP",
    .run = run,
    .usage = "[OPTIONS]",
    .about = "Shows the threads of the processes of its user over HTTP, until it gets SIGTERM:\n"
             "\n"
             "  /                          a page that updates itself\n"
             "  /metrics                   for Prometheus; nothing is stopped\n"
             "  /debug/pprof/threads       a profile; ?debug=1: by stack; ?debug=2: by thread\n"
             "  /debug/pprof/threadcreate  a profile by the stack that created the threads\n"
             "  /healthz                   ok\n"
             "\n"
             "?pid=PID selects one process, watched or not; without it, all that are watched.\n"
             "A request for stacks stops each process for milliseconds.\n",
    .options = option_table,
    .after = "Exit status: 0 ended by SIGTERM, SIGINT or SIGHUP; 2 failed.\n"
             "\n"
             "  threadleak serve &\n"
             "  go tool pprof http://127.0.0.1:9844/debug/pprof/threads\n"
             "  curl 'http://127.0.0.1:9844/debug/pprof/threads?debug=2'\n",
};
