#include "cli/top/findings.h"

#include <fcntl.h>
#include <jansson.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/file.h"

enum { MAX_REPORT = 256 << 20 };

/* The output of `threadleak report --format=json PID`; NULL: it failed. */
static char *run_report(pid_t pid, size_t *length)
{
    char number[16], *text = NULL;
    char *argv[] = {"threadleak", "report", "--format=json", number, NULL};
    int ends[2];
    pid_t child;
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attributes;
    sigset_t no_signals;
    snprintf(number, sizeof(number), "%d", (int)pid);
    if (pipe2(ends, O_CLOEXEC) != 0)
        return NULL;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_adddup2(&actions, ends[1], STDOUT_FILENO);
    posix_spawn_file_actions_addopen(&actions, STDERR_FILENO, "/dev/null", O_WRONLY, 0);
    /* Ctrl-C ends it, though this program blocks SIGINT now (cli/top/wait.h). */
    sigemptyset(&no_signals);
    posix_spawnattr_init(&attributes);
    posix_spawnattr_setsigmask(&attributes, &no_signals);
    posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK);
    int failed = posix_spawn(&child, "/proc/self/exe", &actions, &attributes, argv, environ);
    posix_spawnattr_destroy(&attributes);
    posix_spawn_file_actions_destroy(&actions);
    close(ends[1]);
    if (!failed) {
        text = read_all(ends[0], MAX_REPORT, length);
        waitpid(child, NULL, 0);
    }
    close(ends[0]);
    return text;
}

static void put_string(FILE *out, const json_t *string)
{
    if (json_is_string(string))
        fprintf(out, "%s\n", json_string_value(string));
}

static void put_findings(FILE *out, json_t *findings)
{
    size_t i;
    json_t *finding;
    json_array_foreach(findings, i, finding)
    {
        const char *code = json_string_value(json_object_get(finding, "code"));
        const char *level = json_string_value(json_object_get(finding, "level"));
        fprintf(out, "%s, %s: ", code ? code : "?", level ? level : "?");
        put_string(out, json_object_get(finding, "text"));
    }
}

static void put_report(FILE *out, json_t *report)
{
    json_t *process = json_array_get(json_object_get(report, "processes"), 0);
    json_t *findings = json_object_get(process, "findings");
    if (!process) {
        fputs("there is no report: 'threadleak report' says why\n", out);
        return;
    }
    put_string(out, json_object_get(process, "verdict"));
    put_findings(out, findings);
    if (json_array_size(findings) == 0)
        fputs("no findings\n", out);
}

char *findings_take(pid_t pid)
{
    char *lines = NULL;
    size_t size, length = 0;
    char *text = run_report(pid, &length);
    json_t *report = text ? json_loadb(text, length, 0, NULL) : NULL;
    FILE *out = open_memstream(&lines, &size);
    if (out) {
        put_report(out, report);
        fclose(out);
    }
    json_decref(report);
    free(text);
    return lines;
}
