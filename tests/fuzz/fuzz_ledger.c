/*
 * Any bytes as a ledger: clang -fsanitize=fuzzer,address with this, ledger_fake.c and the
 * ledger reader.  With -DFUZZ_MAIN it runs over the files of its command line instead;
 * "--seed FILE" writes a small valid ledger to begin from.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "ledger_fake.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static int fd = -1;
    static char path[64];
    struct ledger *ledger;
    struct error error = {""};

    if (fd < 0) {
        fd = memfd_create("fuzz", MFD_CLOEXEC);
        snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
    }
    if (ftruncate(fd, (off_t)size) != 0 || pwrite(fd, data, size, 0) != (ssize_t)size)
        abort();
    if (ledger_open_file(path, &ledger, &error) == LEDGER_OPEN_OK) {
        volatile uint64_t sum = fake_walk(ledger);
        (void)sum;
    } else if (!error.text[0] || strchr(error.text, '\n')) {
        abort();
    }
    ledger_close(ledger);
    return 0;
}

#ifdef FUZZ_MAIN
static void write_seed(const char *path)
{
    struct fake *fake = fake_new_small();
    uint32_t app = fake_module(fake, "/usr/bin/app", "\1\2\3\4", 4);
    uint32_t site = fake_site(fake, (ledger_pc[]){fake_pc(app, 0x1234), fake_pc(app, 0x999)}, 2);
    fake_argv(fake, (const char *const[]){"./app", "-v", NULL});
    fake_thread(fake, &(struct fake_thread){.site = site, .state = SLOT_STARTED, .tid = 7, .name = "worker"});
    fake_end(fake, LEDGER_END_EXIT, 0, true);
    fake_write(fake, path);
    fake_free(fake);
}

static void run_file(const char *path)
{
    static uint8_t data[1 << 22];
    FILE *file = fopen(path, "re");
    if (!file) {
        perror(path);
        exit(1);
    }
    size_t size = fread(data, 1, sizeof(data), file);
    fclose(file);
    LLVMFuzzerTestOneInput(data, size);
}

int main(int argc, char **argv)
{
    if (argc == 3 && strcmp(argv[1], "--seed") == 0)
        write_seed(argv[2]);
    else
        for (int i = 1; i < argc; i++)
            run_file(argv[i]);
    return 0;
}
#endif
