/* Calls back through a frame of 1,000 bytes.  lib_frame_large.c differs in the size alone. */
#ifndef FRAME_SIZE
#define FRAME_SIZE 1000
#endif

void call_back(void (*function)(void));
void call_back(void (*function)(void))
{
    volatile char frame[FRAME_SIZE];
    frame[0] = 0;
    function();
    (void)frame[0];
}
