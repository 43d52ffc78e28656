/* A small thread pool: what the tests of this project test. */
#ifndef POOL_H
#define POOL_H

struct pool;
struct pool *pool_start(unsigned threads);
void pool_stop(struct pool *pool);

#endif
