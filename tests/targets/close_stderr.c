/* Ends with its three standard streams closed: nowhere to report to, its status is kept. */
#include "target.h"

int main(void)
{
    start(stay, NULL);
    await_ready(1);
    close(0);
    close(1);
    close(2);
    return 12;
}
