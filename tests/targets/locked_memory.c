/* Locks its memory, makes much more of it, and forks: all of it is the child's as well. */
#include <sys/mman.h>

#include "target.h"

enum { PIECES = 400, PIECE = 65536 };
static char *pieces[PIECES];

int main(void)
{
    mlockall(MCL_CURRENT); /* not everybody may: it has been asked for */
    munlockall();
    for (int i = 0; i < PIECES; i++) {
        pieces[i] = mmap(NULL, PIECE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        CHECK(pieces[i] != MAP_FAILED);
        memset(pieces[i], i % 255 + 1, PIECE);
    }
    pid_t child = fork();
    CHECK(child >= 0);
    for (int i = 0; i < PIECES; i++)
        CHECK(pieces[i][0] == (char)(i % 255 + 1) && !memcmp(pieces[i], pieces[i] + 1, PIECE - 1));
    if (child == 0)
        _exit(0);
    int status;
    CHECK(waitpid(child, &status, 0) == child && status == 0);
    return 0;
}
