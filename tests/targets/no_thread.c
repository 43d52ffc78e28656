/* No thread at all. */
#include <stdio.h>

int main(void)
{
    puts("done");
    return 4;
}
