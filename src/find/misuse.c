/* Calls that join or detach a thread which cannot be joined or detached any more. */
#include "find/site.h"

/* "T3 is joined at a.c:8, but …" */
static const struct {
    const char *call, *but;
} texts[MISUSE_KINDS] = {
    [MISUSE_JOIN_SELF] = {"joined", "by itself: the call fails"},
    [MISUSE_JOIN_DETACHED] = {"joined", "but it is detached: the call fails"},
    [MISUSE_JOIN_OVER] = {"joined", "but it had ended, and was joined or detached before"},
    [MISUSE_DETACH_DETACHED] = {"detached", "but it is detached already"},
    [MISUSE_DETACH_OVER] = {"detached", "but it had ended, and was joined or detached before"},
};

static void add_name(struct line *line, const struct ledger_misuse *misuse)
{
    if (misuse->serial)
        line_add(line, "T%llu", (unsigned long long)misuse->serial);
    else
        line_add(line, "a thread");
}

static bool add_call(struct finding *finding, const struct find_context *context,
                     const struct ledger_misuse *misuse)
{
    struct line fact = {.length = 0};
    add_name(&fact, misuse);
    line_add(&fact, " is %s", texts[misuse->kind].call);
    if (misuse->by && misuse->kind != MISUSE_JOIN_SELF)
        line_add(&fact, " by T%llu,", (unsigned long long)misuse->by);
    line_add(&fact, " %s", texts[misuse->kind].but);
    if (misuse->count > 1)
        line_add(&fact, ", %u times", misuse->count);
    return finding_add_fact(finding, &fact, call_place(context, misuse->at));
}

/* The call before this one is known only for the threads of the site together. */
static bool add_before(struct finding *finding, const struct find_context *context,
                       const struct ledger_misuse *misuse, const struct ledger_site *site)
{
    struct join_places places = {.count = 0};
    struct line fact = {.length = 0};
    const struct frame *at = NULL;
    join_places_add(&places, site);
    const struct join_place *joined = join_places_most(&places);
    if (misuse->state & SLOT_DETACHED && !site->detach_pc) {
        line_add(&fact, "it was created detached");
    } else if (misuse->state & SLOT_DETACHED) {
        line_add(&fact, "threads of its creation site were detached");
        at = call_place(context, site->detach_pc);
    } else if (misuse->state & SLOT_JOINED && joined) {
        line_add(&fact, "threads of its creation site were joined");
        at = call_place(context, joined->pc);
    } else {
        return true;
    }
    return finding_add_fact(finding, &fact, at);
}

static bool add_site(struct finding *finding, const struct find_context *context,
                     const struct ledger_misuse *misuse)
{
    const struct ledger_site *site =
        misuse->site ? ledger_get_site(context->evidence->ledger, misuse->site) : NULL;
    struct line fact = {.length = 0};
    if (!site)
        return true;
    line_add(&fact, "it was created");
    return add_before(finding, context, misuse, site) &&
           finding_add_creation(finding, &fact, site_place(context, site));
}

static bool add(struct find_context *context, const struct ledger_misuse *misuse)
{
    struct line text = {.length = 0};
    add_name(&text, misuse);
    line_add(&text, " is %s at ", texts[misuse->kind].call);
    add_place(&text, call_place(context, misuse->at));
    line_add(&text, ", %s", texts[misuse->kind].but);
    struct finding *finding = finding_add(context, FINDING_MISUSE, FINDING_PROVED, &text);
    const struct ledger_slot thread = {.serial = misuse->serial};
    return finding && (!misuse->serial || finding_add_slot(finding, &thread)) &&
           add_call(finding, context, misuse) && add_site(finding, context, misuse);
}

bool find_misuse(struct find_context *context)
{
    const struct ledger *ledger = context->evidence->ledger;
    for (size_t i = 0; ledger && i < LEDGER_MISUSES; i++) {
        const struct ledger_misuse *misuse = &ledger_get_header(ledger)->misuses[i];
        if (misuse->kind > MISUSE_NONE && misuse->kind < MISUSE_KINDS && !add(context, misuse))
            return false;
    }
    return true;
}
