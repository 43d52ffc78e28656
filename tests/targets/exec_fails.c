/* An exec that fails changes nothing: errno arrives, and the end is judged as ever. */
#include "target.h"

int main(void)
{
    char *args[] = {"nothing", NULL};
    start(stay, NULL);
    await_ready(1);
    CHECK(execv("/nonexistent/nothing", args) == -1 && errno == ENOENT);
    CHECK(execlp("nonexistent-nothing", "nothing", (char *)NULL) == -1 && errno == ENOENT);
    CHECK(execl("/", "nothing", (char *)NULL) == -1 && errno == EACCES);
    return 0;
}
