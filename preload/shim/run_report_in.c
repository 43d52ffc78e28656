#include "preload/shim/run_report_in.h"

#include <fcntl.h>
#include <sys/stat.h>

#include "common/run_protocol.h"
#include "preload/shim/state.h"
#include "preload/shim/sys.h"
#include "preload/shim/text.h"

#define NAME_SIZE (sizeof(shim_config.run_dir) + 80)

/* The same path as at the start, in this process. In a forked child no such file exists. */
static void find_path(char path[NAME_SIZE])
{
    struct text text = text_in(path, NAME_SIZE);
    text_print(&text, "%s/" LEDGER_BEGAN_PREFIX "%ld.%lu.%d", shim_config.run_dir, SYS0(getpid),
               shim_config.started_ns, shim_config.run_parent);
}

bool run_report_in(void)
{
    char path[NAME_SIZE];
    shim_config.run_parent = (int32_t)SYS0(getppid);
    find_path(path);
    return SYS4(mknodat, AT_FDCWD, path, S_IFREG | 0600, 0) == 0;
}

void run_withdraw(void)
{
    char path[NAME_SIZE];
    find_path(path);
    SYS3(unlinkat, AT_FDCWD, path, 0);
}
