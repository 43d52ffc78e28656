#include "cli/common/oom.h"

#include <fcntl.h>
#include <unistd.h>

/* proc(5), oom_score_adj: 1000 is the highest, and everybody may raise his own. */
void oom_take_this_first(void)
{
    int fd = open("/proc/self/oom_score_adj", O_WRONLY | O_CLOEXEC);
    if (fd < 0)
        return;
    (void)!write(fd, "1000", 4);
    close(fd);
}
