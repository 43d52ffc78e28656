/*
 * The wait-for graph: an edge from each thread that waits without a timeout to the one thread that can end
 * its wait. Private to find/.
 */
#ifndef THREADLEAK_FIND_GRAPH_H
#define THREADLEAK_FIND_GRAPH_H

#include "base/text.h"
#include "evidence/evidence.h"

#define NO_NODE SIZE_MAX

struct wait_node {
    const struct thread_stack *thread;
    size_t next;   /* the node that it waits for; NO_NODE: none, or not known */
    bool certain;  /* the owner is stored, the wait has no timeout, and all was read in one moment */
    size_t cycle;  /* number of the cycle that it is in; NO_NODE: none */
    size_t toward; /* number of the cycle that it waits for; of a member that itself; NO_NODE: none */
    size_t away;   /* how many waits away that is; 0: a member */
    size_t like;   /* stuck.c: the first node of the finding that it is in; NO_NODE: none */
};

struct wait_graph {
    struct wait_node *nodes; /* as stacks->threads */
    size_t count;
    size_t cycles;
};

/* False: out of memory. */
bool wait_graph_make(struct wait_graph *graph, const struct evidence *evidence);
void wait_graph_release(struct wait_graph *graph);

/* "mutex jobs_lock", "write lock of rwlock table": what a thread waits for, without its owner. */
void add_wait_object(struct line *line, const struct wait *wait);
/* The same without more: "condvar 0x55d8… on the heap", from "condvar wait on 0x55d8… on the heap, no
 * timeout". */
void add_waited_object(struct line *line, const struct wait *wait);
/* "joins T2", "waits for mutex jobs_lock, held by T2"; `owner` is "T2". */
void add_wait_edge(struct line *line, const struct wait *wait, const char *owner);

#endif
