#include "preload/exit/raw_report.h"

#include <fcntl.h>
#include <string.h>

#include "common/controls.h"
#include "preload/shim/say.h"
#include "preload/shim/sys.h"
#include "preload/shim/text.h"

struct raw_output {
    long fd;
    bool stopped; /* nobody reads it any more */
    char buffer[1024];
    struct text text;
};

/* Names of files and symbols can have any bytes. */
static void remove_controls(char *line, size_t length)
{
    for (size_t i = 0; i < length; i++)
        if (is_control_byte(i ? (unsigned char)line[i - 1] : 0, (unsigned char)line[i]))
            line[i] = '?';
}

static void flush_line(struct raw_output *out)
{
    remove_controls(out->buffer, out->text.length);
    text_string(&out->text, "\n");
    out->stopped = out->stopped || !shim_write((int)out->fd, out->buffer, out->text.length);
    out->text = text_in(out->buffer, sizeof(out->buffer));
}

static void write_frame(struct shim_state *state, struct raw_output *out, ledger_pc pc)
{
    uint32_t index = ledger_pc_module(pc);
    bool known = index != LEDGER_NO_MODULE && index < ledger_used(state->header, SECTION_MODULES);
    text_string(&out->text, "    ");
    if (known)
        text_print(&out->text, "%s+", state->strings + state->modules[index].path);
    text_print(&out->text, "0x%lx", ledger_pc_offset(pc));
    flush_line(out);
}

static void write_site(struct shim_state *state, struct raw_output *out, uint32_t number, const char *kind,
                       unsigned count, const struct ledger_slot *first)
{
    const struct ledger_site *site = &state->sites[number];
    text_print(&out->text, "%s x%u, the first is T%lu tid %d, runs", kind, count, atomic_load(&first->serial),
               atomic_load(&first->tid));
    flush_line(out);
    write_frame(state, out, first->start_pc);
    text_string(&out->text, "  created at");
    flush_line(out);
    for (uint32_t i = 0; i < site->frame_count; i++)
        write_frame(state, out, state->frames[site->frames + i]);
}

/* One group for each site. */
static void write_kind(struct shim_state *state, struct raw_output *out, unsigned kind, const char *name,
                       const struct leak_scope *scope)
{
    uint32_t used = ledger_used(state->header, SECTION_SLOTS);
    uint32_t sites = ledger_used(state->header, SECTION_SITES);
    for (uint32_t number = 0; number < sites; number++) {
        const struct ledger_slot *first = NULL;
        unsigned count = 0;
        for (uint32_t i = 0; i < used; i++) {
            const struct ledger_slot *slot = &state->slots[i];
            if (slot->site != number || leak_kind(state, slot, scope) != kind)
                continue;
            first = first ? first : slot;
            count++;
        }
        if (first)
            write_site(state, out, number, name, count, first);
    }
}

static void write_fault(struct shim_state *state, struct raw_output *out, int32_t tid, uint32_t signal,
                        ledger_pc pc)
{
    if (!signal)
        return;
    text_print(&out->text, "tid %d took signal %u after the end began, at", tid, signal);
    flush_line(out);
    write_frame(state, out, pc);
}

static void write_faults(struct shim_state *state, struct raw_output *out)
{
    const struct ledger_fault *untracked = &state->header->fault;
    uint32_t used = ledger_used(state->header, SECTION_SLOTS);
    for (uint32_t i = 0; i < used; i++) {
        const struct ledger_slot *slot = &state->slots[i];
        write_fault(state, out, atomic_load(&slot->tid), atomic_load(&slot->fault_signal),
                    atomic_load(&slot->fault_pc));
    }
    write_fault(state, out, untracked->tid, atomic_load(&untracked->signal), untracked->pc);
}

static long open_log(void)
{
    char path[OPTIONS_PATH_MAX];
    const struct shim_state *state = shim_state;
    const char *pattern = shim_config.options.log_path;
    if (strcmp(pattern, "stderr") == 0 || shim_config.sandboxed)
        return 2;
    if (!options_expand_path(path, sizeof(path), pattern, state->pid, state->strings + state->header->exe))
        return 2;
    /* O_NONBLOCK: open() would wait for a reader of a FIFO. */
    int flags = O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOCTTY | O_NONBLOCK;
    long fd = SYS4(openat, AT_FDCWD, path, flags, 0600);
    if (fd < 0)
        return 2;
    SYS3(fcntl, fd, F_SETFL, O_APPEND);
    return fd;
}

void raw_report_write(struct shim_state *state, const struct leak_scope *scope)
{
    struct raw_output out = {.fd = open_log()};
    if (out.fd == 2 && !shim_stderr_is_safe())
        return;
    out.text = text_in(out.buffer, sizeof(out.buffer));

    text_print(&out.text,
               "threadleak: threads of %s (pid %d), without lines: the threadleak program could not be "
               "started",
               state->strings + state->header->exe, state->pid);
    flush_line(&out);
    write_kind(state, &out, KIND_RUNNING, "running", scope);
    write_kind(state, &out, KIND_UNJOINED, "unjoined", scope);
    write_kind(state, &out, KIND_DETACHED, "detached", scope);
    write_faults(state, &out);
    text_string(&out.text, "threadleak: for names and lines run addr2line -Cfie MODULE OFFSET");
    flush_line(&out);
    if (out.fd != 2)
        SYS1(close, out.fd);
}
