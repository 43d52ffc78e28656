/* A token is handed to its keeper under the lock that the keeper's clean-up wants. */
#include "kernel.h"

struct tokens {
    pthread_mutex_t lock;
    struct chan *add, *expire;
    struct wait_group *users;
};

static void *keep_tokens(void *arg)
{
    struct tokens *tokens = arg;
    struct chan *inputs[] = {tokens->expire, tokens->add};
    for (;;) {
        if (chan_select(inputs, 2) == 1)
            continue;
        pthread_mutex_lock(&tokens->lock);
        pthread_mutex_unlock(&tokens->lock);
    }
    return NULL;
}

static void *assign_token(void *arg)
{
    struct tokens *tokens = arg;
    pthread_mutex_lock(&tokens->lock);
    chan_send(tokens->expire); /* in Go this is the ticker, which comes at this moment */
    chan_send(tokens->add);
    pthread_mutex_unlock(&tokens->lock);
    wait_group_done(tokens->users);
    return NULL;
}

KERNEL(etcd_7492)
{
    struct tokens *tokens = NEW(struct tokens);
    pthread_mutex_init(&tokens->lock, NULL);
    tokens->add = chan_new(0);
    tokens->expire = chan_new(0);
    tokens->users = wait_group_new(1);
    go(keep_tokens, tokens);
    go(assign_token, tokens);
    wait_group_wait(tokens->users);
}
