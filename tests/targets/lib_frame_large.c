/* The machine code is that of lib_frame_small.c at the same addresses, but for the size. */
#define FRAME_SIZE 3000
#include "lib_frame_small.c"
