/*
 * Programs that print addresses of their own code, compiled of tests/data/symbolize.*, and
 * what the symbolizer finds for them.  Each function fails the test if it cannot do its work.
 */
#ifndef SYMBOLIZE_PROGRAM_H
#define SYMBOLIZE_PROGRAM_H

#include <check.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "symbolize/symbolize.h"

enum { NAME = 64, PLACES = 128 };

/* What the program printed. */
extern struct place {
    char name[NAME];
    uint64_t offset;
} places[PLACES];
extern size_t place_count;

extern char directory[64], program[128], source[256]; /* directory: for this test alone */
extern struct symbolizer *symbolizer;

/* Runs tests that build programs; a command builds its program once for all of them. */
int program_suite_run(const char *name, TCase *tests);
/* A symbolizer that has seen nothing yet. */
void start_again(void);

/* Runs a command; false where it fails. */
__attribute__((format(printf, 1, 2))) bool try(const char *format, ...);
#define run(...) ck_assert(try(__VA_ARGS__))
/* Is there such a tool?  Says what is skipped where there is none. */
bool have(const char *tool);

/* Makes tests/data/symbolize.ENDING the source. */
void find_source(const char *ending);
void build_c(const char *compiler);
void build_cxx(const char *compiler);
void run_program(void);
uint64_t offset_of(const char *name);

/* The place of that name, as a return address; and any offset, as the place of an instruction. */
const struct frame_list *frames_of(const char *name);
const struct frame_list *frames_at(uint64_t offset);

/* A frame of that function, at the line with that comment. */
void check_frame(const struct frame *frame, const char *function, const char *comment);
void check_one(const char *name, const char *function);
/* All that symbolize.c prints, with functions, files, lines and what is inlined. */
void check_c(void);
void check_only_symbol(const char *name, const char *function);

/* Puts an empty directory in the place of /usr/lib/debug, for this process and its children alone.
 * False, and says so, where that is not allowed. */
bool own_debug_directory(void);

#endif
