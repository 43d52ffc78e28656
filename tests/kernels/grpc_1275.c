/* The test waits for a reader, which waits for data that closing the stream should have ended. */
#include "kernel.h"

struct stream {
    struct chan *received, *done;
};

static void *read_stream(void *arg)
{
    struct stream *stream = arg;
    chan_receive(stream->received);
    chan_close(stream->done);
    return NULL;
}

KERNEL(grpc_1275)
{
    struct stream *stream = NEW(struct stream);
    stream->received = chan_new(0);
    stream->done = chan_new(0);
    go(read_stream, stream);
    chan_receive(stream->done);
}
