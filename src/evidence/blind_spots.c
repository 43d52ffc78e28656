#include "evidence/blind_spots.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/path.h"
#include "proc/address_space.h"
#include "proc/process.h"

/* A second namespace has its own copy of libc, so its code is mapped twice. */
static bool is_code_of_libc(const struct region *region)
{
    const char *name = path_basename(region->path);
    return region->executable && (strncmp(name, "libc.so.", 8) == 0 || strncmp(name, "libc-2.", 7) == 0);
}

static bool has_two_libcs(pid_t pid)
{
    struct address_space space;
    const struct region *first = NULL;
    bool second = false;
    pid_t task;
    if (!address_space_of_files(&space, pid, &task))
        return false;
    for (size_t i = 0; i < space.count && !second; i++) {
        const struct region *region = &space.regions[i];
        if (!is_code_of_libc(region))
            continue;
        second = first && region_is_of_same_file(first, region) && region->offset == first->offset;
        first = first ? first : region;
    }
    address_space_release(&space);
    return second;
}

static bool is_under_valgrind(pid_t pid)
{
    char *exe = process_exe(pid);
    bool is = exe && strstr(exe, "/valgrind/");
    free(exe);
    return is;
}

static const char *recorded_namespace(const struct ledger *ledger)
{
    const struct ledger_header *header = ledger_get_header(ledger);
    uint32_t at = atomic_load(&header->second_namespace);
    const char *name = at ? ledger_get_string(ledger, at) : NULL;
    return name && strcmp(name, "?") == 0 ? "" : name;
}

/* NULL: no such namespace is known. */
static char *namespace_sentence(pid_t pid, const struct ledger *ledger)
{
    const char *library = ledger ? recorded_namespace(ledger) : NULL;
    char *text = NULL;
    if (library && *library)
        return asprintf(&text, "threads created in the second namespace (%s) are not seen",
                        path_basename(library)) < 0
                   ? NULL
                   : text;
    return library || (ledger && pid && has_two_libcs(pid))
               ? strdup("threads created in a second namespace (dlmopen) are not seen")
               : NULL;
}

/* NULL: there is no sandbox, or the process has not forked. */
static char *sandbox_sentence(const struct ledger *ledger)
{
    uint32_t flags = ledger ? atomic_load(&ledger_get_header(ledger)->flags) : 0;
    bool says = flags & LEDGER_SANDBOXED && flags & LEDGER_FORKS;
    return says ? strdup("children that it forked in its sandbox (seccomp) are not watched") : NULL;
}

static char *valgrind_sentence(pid_t pid)
{
    return pid && is_under_valgrind(pid)
               ? strdup("valgrind runs it: current stacks and waits are those of valgrind itself")
               : NULL;
}

/* Creations before `threadleak attach` were not seen. */
static char *attached_sentence(const struct ledger *ledger)
{
    uint64_t wall_ns = ledger ? ledger_get_header(ledger)->attached_wall_ns : 0;
    time_t when = (time_t)(wall_ns / 1000000000u);
    struct tm local;
    char time[16], *text = NULL;
    if (!wall_ns || !localtime_r(&when, &local) || !strftime(time, sizeof(time), "%H:%M:%S", &local) ||
        asprintf(&text, "attached at %s: who created older threads is not known", time) < 0)
        return NULL;
    return text;
}

char **blind_spots_find(pid_t pid, const struct ledger *ledger)
{
    char *found[] = {attached_sentence(ledger), namespace_sentence(pid, ledger), sandbox_sentence(ledger),
                     valgrind_sentence(pid)};
    char **sentences = calloc(sizeof(found) / sizeof(*found) + 1, sizeof(*sentences));
    size_t count = 0;
    for (size_t i = 0; i < sizeof(found) / sizeof(*found); i++) {
        if (found[i] && sentences)
            sentences[count++] = found[i];
        else
            free(found[i]);
    }
    if (count)
        return sentences;
    free(sentences);
    return NULL;
}

void blind_spots_free(char **sentences)
{
    for (char **at = sentences; at && *at; at++)
        free(*at);
    free(sentences);
}
