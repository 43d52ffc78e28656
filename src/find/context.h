/* What a function of findings.def gets, and how it reports. Private to find/. */
#ifndef THREADLEAK_FIND_CONTEXT_H
#define THREADLEAK_FIND_CONTEXT_H

#include "base/text.h"
#include "find/find.h"
#include "find/graph.h"

struct find_context {
    const struct evidence *evidence;
    const struct stacks *stacks; /* of the evidence; without any an empty object */
    struct symbolizer *symbolizer;
    struct wait_graph graph;
    struct findings *findings; /* to which the functions add */
};

/* Each adds its findings. False: out of memory. */
#define FINDING(code, name, verdict, find, ...) bool find(struct find_context *context);
#include "find/findings.def"

/* Adds a finding with this text. NULL: out of memory. */
struct finding *finding_add(struct find_context *context, enum finding_code code, enum finding_level level,
                            const struct line *text);
/* Each adds to a finding, which owns copies of texts. Frames are the symbolizer's. False: out of memory. */
bool finding_add_thread(struct finding *finding, const struct find_context *context,
                        const struct thread_stack *thread);
bool finding_add_slot(struct finding *finding, const struct ledger_slot *slot);
bool finding_add_fact(struct finding *finding, const struct line *text, const struct frame *at);
/* The same of a text that ends with the creation of threads, and its place. */
bool finding_add_creation(struct finding *finding, const struct line *text, const struct frame *at);
/* Marks the last fact as one that a short report only counts. */
void finding_fact_is_more(struct finding *finding);

/* The section of threadleak-patterns(7) that shows such a finding. NULL: none. */
const char *finding_pattern(const struct find_context *context, const struct finding *finding);

/* "T3", or "tid 4247" of an untracked thread. */
void add_thread_name(struct line *line, const struct find_context *context,
                     const struct thread_stack *thread);
/* Its T-number; 0: untracked. */
uint64_t find_thread_id(const struct find_context *context, const struct thread_stack *thread);

/* Can only a thread of this process end such a wait? */
bool is_inner_wait(const struct wait *wait);

/* The frame that shows where a thread is now: of the user's code if there is any. NULL: no stack. */
const struct frame *current_place(const struct thread_stack *thread);

#endif
