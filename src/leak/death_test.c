#include "leak/death_test.h"

#include <string.h>

#include "base/text.h"
#include "stacks/stacks.h"

static bool has_argument(char *const *argv)
{
    for (; argv && *argv; argv++)
        if (text_begins_with(*argv, "--gtest_internal_run_death_test="))
            return true;
    return false;
}

/* testing::internal::NoExecDeathTest::AssumeRole() is in an unnamed namespace in some versions. */
static bool is_of_death_test(const struct frame *frame)
{
    const char *in = frame->function ? strstr(frame->function, "testing::internal::") : NULL;
    return in && strstr(in, "DeathTest::");
}

static bool is_forked_by_googletest(const struct evidence *evidence, struct symbolizer *symbolizer)
{
    ledger_pc pc = evidence->ledger ? ledger_get_header(evidence->ledger)->fork.pc : 0;
    if (!pc || !symbolizer)
        return false;
    const struct frame_list *list = stack_frames(evidence->ledger, symbolizer, pc, true);
    for (size_t i = 0; i < list->count; i++)
        if (is_of_death_test(&list->frames[i]))
            return true;
    return false;
}

bool is_death_test(const struct evidence *evidence, char *const *argv, struct symbolizer *symbolizer)
{
    return has_argument(argv) || is_forked_by_googletest(evidence, symbolizer);
}
