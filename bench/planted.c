/* Linked into a shim of its own (mk/bench.mk), it makes a creation some 80 instructions longer: 5 %.
 * tests/e2e/instructions.py sees that bench-check notices. */
struct shim_state;
struct ledger_slot;

struct ledger_slot *__wrap_slot_take(struct shim_state *state);
struct ledger_slot *__real_slot_take(struct shim_state *state);

struct ledger_slot *__wrap_slot_take(struct shim_state *state)
{
    for (volatile int i = 0; i < 12; i++)
        ;
    return __real_slot_take(state);
}
