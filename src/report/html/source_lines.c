#include "report/html/source_lines.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/json.h"

#define LINES_AROUND 3
#define FILE_MAX (8u << 20)
#define FILES_MAX 400
#define LINE_MAX_BYTES 300
#define TOTAL_MAX (1u << 20) /* bytes of all lines */

struct reading {
    json_t *files;   /* path: {newer, lines} of those that were read, null for others */
    json_t *wanted;  /* path: {line: null} */
    json_t *modules; /* path: module whose debug information names it */
    size_t bytes;
};

/* ---- which lines ---------------------------------------------------------------------- */

static void want(struct reading *reading, const struct frame *frame)
{
    if (!frame || frame->runtime || !frame->file || frame->file[0] != '/' || frame->line <= 0)
        return;
    json_t *path = json_text(frame->file);
    const char *name = json_string_value(path);
    json_t *lines = name ? json_object_get(reading->wanted, name) : NULL;
    if (name && !lines && json_object_size(reading->wanted) < FILES_MAX) {
        lines = json_object();
        set_value(&reading->wanted, name, lines);
        set_text(&reading->modules, name, frame->module);
    }
    for (int line = frame->line - LINES_AROUND; lines && line <= frame->line + LINES_AROUND; line++) {
        char number[16];
        snprintf(number, sizeof(number), "%d", line);
        json_object_set_new(lines, number, json_null());
    }
    json_decref(path);
}

static void want_frames(struct reading *reading, const struct frame *frames, size_t count)
{
    for (size_t i = 0; i < count; i++)
        want(reading, &frames[i]);
}

static void want_process(struct reading *reading, const struct process_report *process)
{
    for (size_t i = 0; i < process->group_count; i++) {
        want_frames(reading, process->groups[i].stack, process->groups[i].stack_count);
        want(reading, process->groups[i].joined_at);
    }
    for (size_t i = 0; i < process->failed_count; i++)
        want_frames(reading, process->failed[i].place.stack, process->failed[i].place.stack_count);
    for (size_t i = 0; i < process->findings.count; i++)
        for (size_t f = 0; f < process->findings.items[i].fact_count; f++)
            want(reading, process->findings.items[i].facts[f].at);
    for (size_t i = 0; process->stacks && i < process->stacks->shared_count; i++)
        want_frames(reading, process->stacks->shared[i].frames, process->stacks->shared[i].count);
}

/* ---- files ---------------------------------------------------------------------------- */

/* Can everybody reach it? Many files that everybody may read are in directories such as /root. */
static bool is_reachable(int fd)
{
    char path[PATH_MAX];
    struct stat status;
    ssize_t length = readlink(FD_PATH(fd), path, sizeof(path));
    if (length <= 0 || length == sizeof(path) || path[0] != '/')
        return false;
    while (--length > 0) {
        if (path[length] != '/')
            continue;
        path[length] = '\0';
        if (stat(path, &status) != 0 || !(status.st_mode & S_IXOTH))
            return false;
    }
    return true;
}

static bool may_be_shown(int fd, const struct stat *status)
{
    if (geteuid() != 0 && status->st_uid == geteuid())
        return true;
    return status->st_mode & S_IROTH && is_reachable(fd);
}

/* NULL: it cannot be read, or is not text. */
static char *read_source(const char *path, struct stat *status)
{
    size_t length = 0;
    int fd = regular_file_open(path, status);
    if (fd < 0)
        return NULL;
    char *text = may_be_shown(fd, status) ? read_all(fd, FILE_MAX, &length) : NULL;
    close(fd);
    if (!text || strlen(text) == length)
        return text;
    free(text);
    return NULL;
}

/* Without its newline and what is too long. */
static json_t *line_json(const char *line, size_t length)
{
    char text[LINE_MAX_BYTES + 4];
    snprintf(text, sizeof(text), "%.*s%s", (int)(length < LINE_MAX_BYTES ? length : LINE_MAX_BYTES), line,
             length > LINE_MAX_BYTES ? "..." : "");
    text[strcspn(text, "\r")] = '\0';
    return json_text(text);
}

static void add_lines(struct reading *reading, const char *text, const json_t *wanted, json_t **lines)
{
    size_t number = 1;
    for (const char *at = text; *at && reading->bytes < TOTAL_MAX; number++) {
        size_t length = strcspn(at, "\n");
        char key[24];
        snprintf(key, sizeof(key), "%zu", number);
        if (json_object_get(wanted, key)) {
            set_value(lines, key, line_json(at, length));
            reading->bytes += length < LINE_MAX_BYTES ? length : LINE_MAX_BYTES;
        }
        at += length + (at[length] != '\0');
    }
}

/* Was the file changed after the program that names it was built? */
static bool is_newer(const struct stat *source, const char *module)
{
    struct stat built;
    return module && stat(module, &built) == 0 && source->st_mtime > built.st_mtime;
}

static void add_file(struct reading *reading, const char *path, const json_t *wanted)
{
    struct stat status;
    char *text = read_source(path, &status);
    if (!text)
        return;
    json_t *file = json_object(), *lines = json_object();
    add_lines(reading, text, wanted, &lines);
    free(text);
    set_bool(&file, "newer", is_newer(&status, json_string_value(json_object_get(reading->modules, path))));
    set_value(&file, "lines", lines);
    set_value(&reading->files, path, file);
}

json_t *source_lines(const struct report *report)
{
    struct reading reading = {json_object(), json_object(), json_object(), 0};
    const char *path;
    json_t *wanted;
    for (size_t i = 0; i < report->process_count; i++)
        want_process(&reading, &report->processes[i]);
    json_object_foreach(reading.wanted, path, wanted)
    {
        add_file(&reading, path, wanted);
    }
    json_decref(reading.wanted);
    json_decref(reading.modules);
    return reading.files;
}
