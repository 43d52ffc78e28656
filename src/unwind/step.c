#include "unwind/cursor.h"

#include <string.h>

/* ---- by call-frame information -------------------------------------------------- */

static bool find_cfa(struct cursor *cursor, const struct frame_rules *rules, uint64_t *cfa)
{
    const struct expression_context context = {
        .regs = cursor->regs, .unknown = cursor->unknown, .read = cursor_read, .arg = cursor};
    if (rules->cfa.kind == RULE_EXPRESSION)
        return expression_evaluate(rules->cfa.ops, rules->cfa.op_count, &context, cfa);
    if (cursor_is_unknown(cursor, rules->cfa.value) && !cursor_find_frame_base(cursor, rules))
        return false;
    cursor->missing = 0; /* of the search for the frame's base */
    *cfa = cursor->regs[rules->cfa.value] + (uint64_t)rules->cfa_offset;
    return true;
}

static bool apply(struct cursor *cursor, const struct rule *rule, uint64_t cfa, uint64_t *reg)
{
    const struct expression_context context = {
        .regs = cursor->regs, .unknown = cursor->unknown, .cfa = cfa, .read = cursor_read, .arg = cursor};
    uint64_t address;
    switch (rule->kind) {
    case RULE_UNDEFINED:
    case RULE_SAME:
        return true;
    case RULE_AT_CFA:
        return cursor_read_word(cursor, cfa + (uint64_t)(int64_t)rule->value, reg);
    case RULE_CFA_PLUS:
        *reg = cfa + (uint64_t)(int64_t)rule->value;
        return true;
    case RULE_REGISTER:
        *reg = cursor->regs[rule->value];
        return true;
    case RULE_AT_EXPRESSION:
        return expression_evaluate(rule->ops, rule->op_count, &context, &address) &&
               cursor_read_word(cursor, address, reg);
    case RULE_EXPRESSION:
        return expression_evaluate(rule->ops, rule->op_count, &context, reg);
    }
    return false;
}

/* Is the caller's register unknown, if the rule needs no memory? */
static bool stays_unknown(const struct cursor *cursor, const struct frame_rules *rules, int reg)
{
    const struct rule *rule = &rules->regs[reg];
    if (rule->kind == RULE_REGISTER)
        return cursor_is_unknown(cursor, rule->value);
    return (rule->kind == RULE_SAME || rule->kind == RULE_UNDEFINED) && cursor_is_unknown(cursor, reg);
}

/* False: cursor->missing, or the rules are of an unknown form, or they need an unknown register. */
static bool find_caller(struct cursor *cursor, const struct frame_rules *rules,
                        uint64_t caller[SNAPSHOT_REGS], uint64_t *unknown)
{
    uint64_t cfa;
    cursor->missing = 0;
    if (!find_cfa(cursor, rules, &cfa))
        return false;
    memcpy(caller, cursor->regs, sizeof(cursor->regs));
    caller[SNAPSHOT_REG_SP] = cfa;
    *unknown = 0;
    for (int i = 0; i < SNAPSHOT_REGS; i++)
        if (!apply(cursor, &rules->regs[i], cfa, &caller[i]))
            return false;
        else if (i != SNAPSHOT_REG_SP && stays_unknown(cursor, rules, i))
            *unknown |= UINT64_C(1) << i;
    if (!rules->is_signal_frame || rules->regs[rules->return_register].kind != RULE_SAME)
        caller[SNAPSHOT_REG_PC] = caller[rules->return_register] & CODE_ADDRESS_MASK;
    return true;
}

static enum step by_rules(struct cursor *cursor, const struct frame_rules *rules)
{
    uint64_t caller[SNAPSHOT_REGS], unknown;
    if (rules->regs[rules->return_register].kind == RULE_UNDEFINED)
        return STEP_LAST;
    if (!find_caller(cursor, rules, caller, &unknown))
        return cursor->missing   ? cursor_missing(cursor)
               : cursor->unknown ? cursor_lost(cursor, CURSOR_UNKNOWN)
                                 : cursor_lost(cursor, "unsupported call-frame information");
    if (unknown >> rules->return_register & 1)
        return cursor_lost(cursor, CURSOR_UNKNOWN);
    /* A signal may have interrupted a call of address 0. */
    if (!rules->is_signal_frame && caller[SNAPSHOT_REG_PC] == 0)
        return STEP_LAST;
    if (!rules->is_signal_frame && !cursor_is_code(cursor, caller[SNAPSHOT_REG_PC] - 1)) {
        cursor->stray = caller[SNAPSHOT_REG_PC];
        return cursor_lost(cursor, "a return address is not in code");
    }
    if (cursor_is_loop(cursor, caller[SNAPSHOT_REG_SP], rules->is_signal_frame))
        return cursor_lost_in_loop(cursor);
    memcpy(cursor->regs, caller, sizeof(caller));
    cursor->unknown = unknown & ~(UINT64_C(1) << SNAPSHOT_REG_PC);
    cursor->is_return_address = !rules->is_signal_frame;
    return STEP_CALLER;
}

/* ---- one step ------------------------------------------------------------------------ */

enum step cursor_step(struct cursor *cursor, bool *left_is_return_address)
{
    uint64_t pc = cursor->regs[SNAPSHOT_REG_PC];
    const struct frame_rules *rules = code_find_rules(cursor->code, pc - cursor->is_return_address), *here;
    /* Unwinders search for a return address minus one. So libc's information for the code that handlers
     * return to begins one byte early. That of other libraries does not. */
    if (!rules && cursor->is_return_address && (here = code_find_rules(cursor->code, pc)) &&
        here->is_signal_frame)
        rules = here;
    bool is_signal_frame = rules ? rules->is_signal_frame : cursor_is_signal_return(cursor, pc);
    *left_is_return_address = cursor->is_return_address && !is_signal_frame;
    if (rules)
        cursor->by_frame_pointer = false;
    enum step step = rules ? by_rules(cursor, rules) : cursor_guess(cursor, pc);
    cursor->is_first = false;
    return step;
}
