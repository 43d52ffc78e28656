/*
 * What a report in JSON (schema threadleak/1) says about its leaks, to compare two of them. The file is
 * hostile input: it can be anything. Groups with the same fingerprint are one site here, also those of
 * several processes of one program, since the number of its processes depends on the machine.
 */
#ifndef THREADLEAK_LEAK_REPORTED_H
#define THREADLEAK_LEAK_REPORTED_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "leak/model.h"

struct reported_site {
    const char *program;     /* last part of the path of its executable, or of argv[0]; "?": unknown */
    const char *fingerprint; /* 16 hexadecimal digits */
    /* Of the creator, and the start routine; of the place with most threads. NULL, 0: unknown. */
    const char *function, *file, *start;
    int64_t line;
    const char *kind; /* "running", "detached", "unjoined": that of most of its threads */
    uint64_t threads; /* alive or unjoined */
    uint64_t by_kind[LEAK_KINDS];
    uint64_t places; /* in the source, by file and line */
};

struct reported {
    struct reported_site *sites; /* by program and fingerprint */
    size_t count;
    const char **programs; /* ascending, each once */
    size_t program_count;
    uint64_t processes, unwatched; /* processes, and those of them whose leaks are unknown */
    struct json_t *json;           /* owns the strings */
};

/* Text that begins an object: is it a report in JSON, and not a ledger or a core? */
bool reported_is_json(const char *text, size_t length);
/* name: begins the error. False: not JSON, truncated, another schema, or something that a report never has.
 */
bool reported_read(struct reported *reported, const char *text, size_t length, const char *name,
                   struct error *error);
void reported_release(struct reported *reported);

#endif
