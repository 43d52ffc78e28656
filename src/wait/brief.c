#include "wait/brief.h"

#include <stdio.h>
#include <stdlib.h>

#include "proc/call.h"
#include "wait/describe.h"
#include "wait/files.h"
#include "wait/wchan.h"

struct wait_brief_reader {
    pid_t pid;
    struct files *files; /* NULL: no descriptor yet */
};

struct wait_brief_reader *wait_brief_new(pid_t pid)
{
    struct wait_brief_reader *reader = calloc(1, sizeof(*reader));
    if (reader)
        reader->pid = pid;
    return reader;
}

void wait_brief_free(struct wait_brief_reader *reader)
{
    if (!reader)
        return;
    files_free(reader->files);
    free(reader);
}

/* Each function that describes a call whose text is not in its row. */
static const struct {
    wait_describe_fn *describe;
    const char *word;
} words[] = {
    {wait_for_futex, "futex"},
    {wait_for_poll, "poll"},
    {wait_for_select, "select"},
    {wait_for_epoll, "epoll"},
    {wait_for_signal, "signal wait"},
    {wait_for_sleep, "sleep"},
    {wait_for_child, "end of a child process"},
    {wait_for_semaphore_set, "System V semaphore set"},
    {wait_for_open, "open of a file"},
};

static const char *word_of(const struct wait_call *call)
{
    for (size_t i = 0; i < sizeof(words) / sizeof(*words); i++)
        if (words[i].describe == call->describe)
            return words[i].word;
    return call->text;
}

static const char *kind_of(struct wait_brief_reader *reader, pid_t tid, int fd)
{
    if (!reader->files) /* by a thread that lives: a main thread that has ended has no descriptors in /proc */
        reader->files = files_new(reader->pid, tid);
    const struct open_file *file = reader->files ? files_find(reader->files, fd) : NULL;
    return file_kind_name(file ? file->kind : FILE_UNKNOWN);
}

/* The kernel numbers the calls of a 32-bit program otherwise. All its addresses are below 4 GiB; of a 64-bit
 * program either the stack or libc is above. */
static bool may_be_32_bit(const struct task_call *call)
{
    return !(call->sp >> 32) && !(call->pc >> 32);
}

static bool describe_call(struct wait_brief_reader *reader, pid_t tid, const struct task_call *now,
                          char text[WAIT_BRIEF])
{
    if (may_be_32_bit(now))
        return false;
    const struct wait_call call = wait_call_of(now->nr, now->args);
    const char *word = word_of(&call);
    if (!word)
        return false;
    if (call.fd_arg < 0)
        snprintf(text, WAIT_BRIEF, "%s", word);
    else
        snprintf(text, WAIT_BRIEF, "%s %s", word, kind_of(reader, tid, (int)now->args[call.fd_arg]));
    return true;
}

bool wait_brief_read(struct wait_brief_reader *reader, pid_t tid, char text[WAIT_BRIEF])
{
    struct task_call call;
    *text = 0;
    task_call_read(reader->pid, tid, &call);
    if (call.state == TASK_CALL_RUNNING)
        return false;
    if (call.state == TASK_CALL_BLOCKED && describe_call(reader, tid, &call, text))
        return true;
    const char *word = wchan_read(reader->pid, tid);
    snprintf(text, WAIT_BRIEF, "%s", word ? word : "");
    return word != NULL;
}
