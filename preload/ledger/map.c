#include "preload/ledger/section.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sched.h>
#include <pthread.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>

#include "preload/ledger/fork.h"
#include "preload/ledger/test.h"
#include "preload/ledger/wakes.h"
#include "preload/shim/guard.h"
#include "preload/shim/run_ask.h"
#include "preload/shim/sys.h"
#include "preload/shim/text.h"
#include "common/run_protocol.h"

/* Records of each section at full size.  A smaller ledger has an eighth, and so on. */
static const uint32_t full_caps[SECTIONS] = {
    [SECTION_SLOTS] = STATE_BIRTHS,
    [SECTION_SITES] = 1u << 13,
    [SECTION_MODULES] = 1u << 10,
    [SECTION_FRAMES] = 1u << 18,
    [SECTION_STRINGS] = 1u << 19,
    [SECTION_STACKS] = 1u << 18,
    [SECTION_TESTS] = 1u << LEDGER_TEST_BITS,
};
#define SMALLEST_SHIFT 6       /* 1024 threads, 128 sites */
#define MIN_STRINGS (1u << 16) /* for options, rules and names of modules */
#define LIMIT_SHARE 64         /* share of a limited address space that the ledger takes: a 64th */

/* The mapped pages of the ledger. A forked child inherits this, and leaves its parent's ledger. The program
 * can have memory in the gaps. */
static struct {
    char *address;
    size_t size;
    struct hole {
        size_t from, to; /* 0, 0: none */
    } holes[SECTIONS];
} last_mapping;

struct layout {
    uint32_t cap[SECTIONS];
    uint64_t offset[SECTIONS];
    uint64_t total;
};

static struct layout layout_for(unsigned shift)
{
    struct layout layout;
    uint64_t at = LEDGER_HEADER_SIZE;
    for (enum ledger_section s = 0; s < SECTIONS; s++) {
        layout.cap[s] = full_caps[s] >> shift;
        if (s == SECTION_STRINGS && layout.cap[s] < MIN_STRINGS)
            layout.cap[s] = MIN_STRINGS;
        layout.offset[s] = at;
        at += (uint64_t)layout.cap[s] * ledger_record_size(s);
        at = (at + 4095) & ~4095ull;
    }
    layout.total = at;
    return layout;
}

/* -EEXIST: the number is taken. */
static long create_run_file(pid_t pid, unsigned n)
{
    char path[PATH_MAX];
    struct text text = text_in(path, sizeof(path));
    text_print(&text, "%s/" LEDGER_FILE_PREFIX "%d.%u", shim_config.run_dir, pid, n);
    long fd = SYS4(openat, AT_FDCWD, path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd >= 0)
        SYS2(fchmod, fd, 0600); /* the umask may have cleared bits */
    return fd;
}

static int open_run_file(pid_t pid)
{
    long fd = -EEXIST;
    int asked;
    if (!*shim_config.run_dir)
        return -1;
    /* exec does not change the pid: each image takes the next number. */
    for (unsigned n = 0; n < 100000 && fd == -EEXIST; n++)
        fd = create_run_file(pid, n);
    if (fd >= 0)
        return (int)fd;
    return run_ask(LEDGER_RUN_LEDGER, &asked) ? asked : (int)fd;
}

static uint64_t resource_limit(int resource)
{
    struct rlimit limit = {0};
    bool known = SYS4(prlimit64, 0, resource, NULL, &limit) == 0;
    return known && limit.rlim_cur != RLIM_INFINITY ? limit.rlim_cur : UINT64_MAX;
}

/* Maps `fd` in a size that the limits allow. fd below 0: anonymous memory. */
static void *map_file(long fd, struct layout *layout)
{
    /* ftruncate beyond RLIMIT_FSIZE raises SIGXFSZ. A limited address space is mostly for
     * the program. */
    uint64_t largest = fd < 0 ? UINT64_MAX : resource_limit(RLIMIT_FSIZE);
    uint64_t space = resource_limit(RLIMIT_AS) / LIMIT_SHARE;
    int flags = MAP_SHARED | MAP_NORESERVE | (fd < 0 ? MAP_ANONYMOUS : 0);
    largest = space < largest ? space : largest;
    for (unsigned shift = 0; shift <= SMALLEST_SHIFT; shift += 3) {
        *layout = layout_for(shift);
        if (layout->total > largest)
            continue;
        if (fd >= 0 && SYS2(ftruncate, fd, layout->total) != 0)
            continue;
        long at = SYS6(mmap, 0, layout->total, PROT_READ | PROT_WRITE, flags, fd, 0);
        if (at < 0 && at > -4096)
            continue;
        long backed = SYS3(madvise, at, LEDGER_HEADER_SIZE, MADV_POPULATE_WRITE);
        /* Before Linux 5.14 the shim cannot request memory in chunks, and a full file system causes SIGBUS.
         * So it requests the memory of a whole smaller ledger now. */
        if (backed == 0 || fd < 0 ||
            (backed == -EINVAL && shift > 0 && SYS4(fallocate, fd, 0, 0, layout->total) == 0))
            return (void *)at;
        SYS2(munmap, at, layout->total);
    }
    return NULL;
}

static unsigned why_given_up(void)
{
    uint64_t needed = layout_for(SMALLEST_SHIFT).total;
    if (resource_limit(RLIMIT_FSIZE) < needed)
        return LEDGER_GAVE_UP_FILE_SIZE;
    return resource_limit(RLIMIT_AS) / LIMIT_SHARE < needed ? LEDGER_GAVE_UP_MEMORY : LEDGER_GAVE_UP_ROOM;
}

static void *map_anywhere(pid_t pid, struct layout *layout, bool *under_run, bool may_clone);

struct mapping {
    pid_t pid;
    struct layout layout;
    bool under_run;
    void *address;
};

static int map_in_child(void *arg)
{
    struct mapping *mapping = arg;
    SYS1(close, 0);
    mapping->address = map_anywhere(mapping->pid, &mapping->layout, &mapping->under_run, false);
    return 0;
}

#define CHILD_STACK 32768

/* The process has no free descriptor, or not enough for a file. Its child has the same memory, and
 * descriptors of its own, of which it closes one. NULL: that is not possible either. */
static void *map_by_child(pid_t pid, struct layout *layout, bool *under_run)
{
    struct mapping mapping = {.pid = pid};
    int status;
    char *stack = sys_map(CHILD_STACK);
    long child = stack ? sys_clone(CLONE_VM | CLONE_VFORK, stack + CHILD_STACK, map_in_child, &mapping, NULL)
                       : -ENOMEM;
    if (child > 0)
        sys_wait(child, &status);
    if (stack)
        SYS2(munmap, stack, CHILD_STACK);
    *layout = mapping.layout;
    *under_run = mapping.under_run;
    return mapping.address;
}

static void *map_anywhere(pid_t pid, struct layout *layout, bool *under_run, bool may_clone)
{
    void *address = NULL;
    long fd = open_run_file(pid);
    if (fd == -EMFILE && may_clone && (address = map_by_child(pid, layout, under_run)))
        return address;
    *under_run = fd >= 0;
    if (fd < 0 && *shim_config.run_dir)
        run_withdraw();
    if (fd >= 0) {
        address = map_file(fd, layout);
        /* An empty file without this mode means to a reader that the process was killed. */
        if (!address)
            SYS2(fchmod, fd, why_given_up());
        SYS1(close, fd);
    }
    if (address)
        return address;
    *under_run = false;
    fd = SYS2(memfd_create, LEDGER_MEMFD_NAME, MFD_CLOEXEC);
    if (fd >= 0) {
        address = map_file(fd, layout);
        SYS1(close, fd);
    }
    /* RLIMIT_FSIZE, no free descriptor, or a filter of system calls. */
    return address ? address : map_file(-1, layout);
}

/* What ps shows: a row of NUL-terminated strings, perhaps a title that the program has set. */
static void store_argv(struct shim_state *state)
{
    char buffer[2048];
    uint32_t count = 0;
    long fd = SYS3(openat, AT_FDCWD, "/proc/self/cmdline", O_RDONLY | O_CLOEXEC);
    long n = fd >= 0 ? SYS3(read, fd, buffer, sizeof(buffer) - 1) : 0;
    if (fd >= 0)
        SYS1(close, fd);
    if (n <= 0)
        return;
    long used = n;
    while (used > 0 && !buffer[used - 1])
        used--;
    if (n - used > 2) /* a title that is shorter than the arguments were */
        n = used + 1;
    if (buffer[n - 1]) /* cut off, or a title */
        n++;
    buffer[n - 1] = 0;
    for (long i = 0; i < n; i++)
        count += buffer[i] == 0;
    state->header->argv = ledger_store_string(state, buffer, (uint32_t)n - 1);
    state->header->argc = state->header->argv ? count : 0;
}

static void store_identity(struct shim_state *state, bool under_run)
{
    struct ledger_header *header = state->header;
    ledger_take(state, SECTION_STRINGS, 1); /* offset 0 is "" */
    header->pid = state->pid;
    header->ppid = (int32_t)SYS0(getppid);
    uint64_t now_ns = shim_clock_ns(CLOCK_MONOTONIC);
    header->started_ns = shim_is_child() ? now_ns : shim_config.started_ns;
    header->started_wall_ns = shim_clock_ns(CLOCK_REALTIME) - (now_ns - header->started_ns);
    header->exe = ledger_store_string(state, shim_config.exe, (uint32_t)strlen(shim_config.exe));
    store_argv(state);
    if (shim_config.options_size)
        header->options = ledger_store_string(state, shim_config.options_text, shim_config.options_size - 1);
    if (*shim_config.test_variables)
        header->test_variables = ledger_store_string(state, shim_config.test_variables,
                                                     (uint32_t)strlen(shim_config.test_variables));
    header->tid_offset = shim_config.tid_offset;
    header->address = (uint64_t)header;
    header->start_offset = shim_config.start_offset;
    header->seccomp = (int32_t)SYS1(prctl, PR_GET_SECCOMP);
    atomic_store(&header->flags, under_run ? LEDGER_UNDER_RUN : 0);
    atomic_store(&header->next_serial, LEDGER_MAIN_SERIAL + 1);
    wakes_to_ledger(header);
    header->births = (uint64_t)state->births;
    header->births_end = (uint64_t)(state->births + STATE_BIRTHS);
    header->own_tls = (int64_t)((uintptr_t)&shim_tls - (uintptr_t)pthread_self());
    header->own_tls_size = sizeof(shim_tls);
    state->epoch = header->epoch = now_ns ^ (uint64_t)state->pid << 40;
}

static void fill_header(struct ledger_header *header, const struct layout *layout)
{
    memcpy(header->magic, LEDGER_MAGIC, sizeof(header->magic));
    header->byte_order = LEDGER_BYTE_ORDER;
    header->version = LEDGER_VERSION;
    header->header_size = LEDGER_HEADER_SIZE;
    header->total_size = layout->total;
    for (enum ledger_section s = 0; s < SECTIONS; s++) {
        header->sections[s].offset = layout->offset[s];
        header->sections[s].record_size = ledger_record_size(s);
        header->sections[s].cap = layout->cap[s];
    }
}

/* The end of a section, in whole pages.  from, to: offsets in the ledger. */
static void unmap_rest(enum ledger_section section, size_t from, size_t to)
{
    struct hole *hole = &last_mapping.holes[section];
    bool first = hole->to == 0;
    hole->from = from;
    hole->to = first ? to : hole->to;
    SYS2(munmap, last_mapping.address + from, to - from);
}

void ledger_give_back(struct shim_state *state)
{
    for (enum ledger_section s = 0; s < SECTIONS; s++) {
        struct ledger_extent *extent = &state->header->sections[s];
        uint32_t wanted = ledger_with_margin(state, s);
        if (wanted >= extent->cap)
            continue;
        uint64_t from = ((uint64_t)wanted * ledger_record_size(s) + 4095) & ~4095ull;
        uint64_t to = ((uint64_t)extent->cap * ledger_record_size(s) + 4095) & ~4095ull;
        extent->cap = wanted; /* set first: no thread may take records from unmapped pages */
        if (from < to)
            unmap_rest(s, extent->offset + from, extent->offset + to);
        if (s == SECTION_SLOTS)
            state_give_back(state, wanted);
    }
}

static void leave_pages(size_t from, size_t to, bool under_way)
{
    int flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED;
    if (from >= to)
        return;
    if (under_way)
        SYS6(mmap, last_mapping.address + from, to - from, PROT_READ | PROT_WRITE, flags, -1, 0);
    else
        SYS2(munmap, last_mapping.address + from, to - from);
}

void ledger_leave(bool under_way)
{
    size_t at = 0;
    for (enum ledger_section s = 0; s < SECTIONS; s++) { /* in the order of their offsets */
        const struct hole *hole = &last_mapping.holes[s];
        if (hole->to == 0)
            continue;
        leave_pages(at, hole->from, under_way);
        at = hole->to;
    }
    leave_pages(at, last_mapping.size, under_way);
    memset(&last_mapping, 0, sizeof(last_mapping));
}

static void set_sections(struct shim_state *state, char *base, const struct layout *layout)
{
    state->header = (struct ledger_header *)base;
    state->slots = (struct ledger_slot *)(base + layout->offset[SECTION_SLOTS]);
    state->sites = (struct ledger_site *)(base + layout->offset[SECTION_SITES]);
    state->stacks = (uint64_t *)(base + layout->offset[SECTION_STACKS]);
    state->tests = (struct ledger_test *)(base + layout->offset[SECTION_TESTS]);
    state->frames = (ledger_pc *)(base + layout->offset[SECTION_FRAMES]);
    state->modules = (struct ledger_module *)(base + layout->offset[SECTION_MODULES]);
    state->strings = base + layout->offset[SECTION_STRINGS];
}

bool ledger_map(struct shim_state *state)
{
    struct layout layout;
    bool under_run;

    state->pid = (pid_t)SYS0(getpid);
    char *base = map_anywhere(state->pid, &layout, &under_run, true);
    if (!base)
        return false;
    last_mapping.address = base;
    last_mapping.size = layout.total;

    fill_header((struct ledger_header *)base, &layout);
    set_sections(state, base, &layout);
    store_identity(state, under_run);
    ledger_take(state, SECTION_SITES, 1); /* site 0: unknown */
    if (shim_is_child())
        atomic_fetch_or(&state->header->flags, LEDGER_FORKED);
    fork_store(state);
    test_inherit(state);
    atomic_store_explicit(&state->header->ready, 1, memory_order_release);
    return true;
}
