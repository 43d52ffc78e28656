/* A watched program with threads of several kinds (tests/targets/signal_capture.c), and what a signal capture
 * of it found. */
#ifndef CAPTURE_PROGRAM_H
#define CAPTURE_PROGRAM_H

#include <check.h>
#include <stdio.h>
#include <sys/types.h>

#include "stacks/signal_capture.h"

struct program {
    pid_t pid;
    FILE *in, *out;
};

char *read_line(const struct program *program);
/* With `count` threads of each kind, one letter each.  first: a command to begin with, or NULL. */
struct program start_program(const char *kinds, int count, const char *first);
/* What it answers to a command: its first line. */
const char *program_send(const struct program *program, const char *command);
void end_program(const struct program *program);
/* Fails the test where none can be taken. */
struct signal_capture *capture_of(pid_t pid);
const char *captured_stack(const struct signal_capture *capture, const struct ledger_stack *current);
size_t with_reason(const struct signal_capture *capture, enum signal_capture_reason reason);
/* How many have these functions in a row, and were captured down to the beginning of the thread. */
size_t with_stack(const struct signal_capture *capture, const char *functions);
void print_capture(const struct signal_capture *capture);
void assert_all_have(const char *kinds, int count, const char *functions);
/* Who the next program runs as; 0: who runs the test. */
extern uid_t program_user;
extern const char *target_name;

#define assert_count(capture, found, wanted)                                                               \
    do {                                                                                                   \
        size_t found_ = (found);                                                                           \
        if (found_ != (size_t)(wanted))                                                                    \
            print_capture(capture);                                                                        \
        ck_assert_msg(found_ == (size_t)(wanted), "%s is %zu, not %zu", #found, found_, (size_t)(wanted)); \
    } while (0)

#endif
