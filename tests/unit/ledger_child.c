#include "ledger_child.h"
#include "common/run_protocol.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "suite.h"

char run_file[64];
pid_t ledger_child;

struct fake *ledger_child_make(pid_t pid)
{
    struct fake *fake = fake_new_small();
    fake_header(fake)->pid = pid;
    fake_thread(fake, &(struct fake_thread){.tid = 77, .name = "worker"});
    return fake;
}

int ledger_memfd(void)
{
    return memfd_create(LEDGER_MEMFD_NAME, MFD_CLOEXEC);
}

void hold_ledger(struct fake *fake, int fd)
{
    size_t size;
    const unsigned char *bytes = fake_bytes(fake, &size);
    if (fd < 0 || write(fd, bytes, size) != (ssize_t)size ||
        mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0) == MAP_FAILED)
        _exit(9);
    close(fd);
    fake_free(fake);
}

void hold_memfd(void)
{
    hold_ledger(ledger_child_make(getpid()), ledger_memfd());
}

void hold_file(void)
{
    hold_ledger(ledger_child_make(getpid()), open(run_file, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600));
}

void ledger_child_run(void (*prepare)(void), int ready)
{
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    prepare();
    if (write(ready, "", 1) != 1)
        _exit(9);
    for (;;)
        pause();
}

pid_t ledger_child_start(void (*prepare)(void))
{
    int ends[2];
    char byte;
    ck_assert_int_eq(pipe(ends), 0);
    ledger_child = fork();
    if (ledger_child == 0)
        ledger_child_run(prepare, ends[1]);
    close(ends[1]);
    ck_assert_msg(read(ends[0], &byte, 1) == 1, "the child did not get ready");
    close(ends[0]);
    return ledger_child;
}

void ledger_child_set_up(void)
{
    char directory[48];
    scratch_directory(directory, sizeof(directory));
    snprintf(run_file, sizeof(run_file), "%s/" LEDGER_FILE_PREFIX "%d.0", directory, (int)getpid());
    ledger_child = 0;
}

void ledger_child_tear_down(void)
{
    if (ledger_child > 0) {
        kill(ledger_child, SIGKILL);
        waitpid(ledger_child, NULL, 0);
    }
}
