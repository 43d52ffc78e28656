/* stuck PID [x]: finds the threads of a live process that nothing can wake. Without x it lists them. */
#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "stacks/stacks.h"

static void print_thread(const struct thread_stack *thread)
{
    printf("%d %s", (int)thread->tid, reach_state_name(thread->reach.state));
    if (thread->reach.state == REACH_STUCK)
        printf(" %s", thread->reach.caveats ? "likely" : "proved");
    printf("  %s\n", thread->wait.text ? thread->wait.text : "?");
}

static void print_caveats(uint32_t caveats)
{
    for (int i = 0; i < REACH_CAVEATS; i++)
        if (caveats >> i & 1)
            printf("caveat: %s\n", reach_caveat_text(i));
}

int main(int argc, char **argv)
{
    struct error error = {""};
    const struct stacks_options options = {.symbolizer = symbolizer_new(false), .reach = REACH_AVAILABLE};
    uint64_t began = now_ns();
    struct stacks *stacks = argc > 1 ? stacks_take(atoi(argv[1]), &options, &error) : NULL;
    if (!stacks) {
        fprintf(stderr, "stuck: %s\n", argc > 1 ? error.text : "usage: stuck PID [x]");
        return 1;
    }
    uint32_t caveats = stacks->reach.caveats;
    size_t counts[3] = {0};
    for (size_t i = 0; i < stacks->count; i++) {
        counts[stacks->threads[i].reach.state]++;
        caveats |= stacks->threads[i].reach.caveats;
        if (argc == 2)
            print_thread(&stacks->threads[i]);
    }
    print_caveats(caveats);
    printf("%s%s: %zu threads, %zu live, %zu stuck; %.1f MiB, stopped for the copy %.1f ms, marked in %.1f "
           "ms, in "
           "all %.1f ms\n",
           stacks->reach.checked ? "checked" : "not checked: ",
           stacks->reach.checked ? "" : stacks->reach.why_not, stacks->count, counts[REACH_LIVE],
           counts[REACH_STUCK], (double)stacks->reach.bytes / (1 << 20), (double)stacks->reach.copy_ns / 1e6,
           (double)stacks->reach.mark_ns / 1e6, (double)(now_ns() - began) / 1e6);
    stacks_free(stacks);
    symbolizer_free(options.symbolizer);
    return 0;
}
