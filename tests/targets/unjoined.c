/* Ended long ago, joinable, and never joined. */
#include "target.h"

int main(void)
{
    for (int i = 0; i < 3; i++)
        start_and_see_finish();
    return 0;
}
