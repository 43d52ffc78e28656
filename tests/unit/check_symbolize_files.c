/* Where debug information is searched for, and which file is accepted as that of the program. */
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "symbolize_program.h"
#include "suite.h"

/* ---- links to debug information -------------------------------------------------------------- */

static void split_debug_file(const char *where)
{
    run("cd %s && mkdir -p %s && objcopy --only-keep-debug program %s/program.debug && "
        "objcopy --strip-all program && objcopy --add-gnu-debuglink=%s/program.debug program",
        directory, where, where, where);
}

START_TEST(debug_link)
{
    build_c("gcc -O2 -g");
    split_debug_file(_i ? ".debug" : ".");
    check_c();
}
END_TEST

START_TEST(debug_link_to_another_build)
{
    build_c("gcc -O2 -g -Wl,--build-id=none");
    split_debug_file(".");
    run("echo more >>%s.debug", program);
    check_only_symbol("plain", NULL);
}
END_TEST

START_TEST(alternative_debug_link)
{
    if (!have("dwz"))
        return;
    build_c("gcc -O2 -g -gdwarf-4");
    run("cd %s && cp program twin && dwz -m common program twin && readelf -S program | grep -q "
        "gnu_debugaltlink",
        directory);
    check_c();
}
END_TEST

/* A FIFO blocks everyone who opens it to read, as long as nobody writes. */
static void replace_by_fifo(const char *name)
{
    run("cd %s && rm -f %s && mkfifo %s", directory, name, name);
}

static void check_known(void)
{
    start_again();
    ck_assert_uint_ge(frames_of("plain")->count, 1);
}

START_TEST(debug_link_to_a_fifo)
{
    build_c("gcc -O2 -g -Wl,--build-id=none");
    split_debug_file(_i ? ".debug" : ".");
    replace_by_fifo(_i ? ".debug/program.debug" : "program.debug");
    check_only_symbol("plain", NULL);
}
END_TEST

START_TEST(alternative_debug_link_to_a_fifo)
{
    build_c("gcc -O2 -g -gdwarf-4");
    replace_by_fifo("common");
    /* The name, and the build-id of the file. */
    run("cd %s && printf 'common\\0' >link && head -c 20 /bin/sh >>link && "
        "objcopy --add-section .gnu_debugaltlink=link program",
        directory);
    check_known();
}
END_TEST

START_TEST(split_debug_information_in_a_fifo)
{
    find_source("c");
    run("gcc -O2 -g -gsplit-dwarf -D_GNU_SOURCE -c -o %s/unit.o %s && gcc -o %s %s/unit.o", directory, source,
        program, directory);
    run_program();
    replace_by_fifo("unit.dwo");
    check_known();
}
END_TEST

START_TEST(debug_link_to_a_huge_file)
{
    build_c("gcc -O2 -g -Wl,--build-id=none");
    split_debug_file(".");
    run("truncate -s 1T %s.debug", program);
    check_only_symbol("plain", NULL);
}
END_TEST

/* ---- which file is believed --------------------------------------------------------------------- */

static uint8_t build_id[20];

static void read_build_id(void)
{
    char command[256], hex[41];
    snprintf(command, sizeof(command), "readelf -n %s | sed -n 's/.*Build ID: //p'", program);
    FILE *output = popen(command, "r");
    ck_assert_ptr_nonnull(output);
    ck_assert_int_eq(fscanf(output, "%40s", hex), 1);
    pclose(output);
    for (size_t i = 0; i < sizeof(build_id); i++)
        ck_assert_int_eq(sscanf(hex + 2 * i, "%2hhx", &build_id[i]), 1);
}

static const struct frame_list *frames_with_id(const char *name)
{
    struct code_address address = {.module = program,
                                   .offset = offset_of(name),
                                   .is_return_address = true,
                                   .build_id = build_id,
                                   .build_id_len = sizeof(build_id)};
    return symbolize(symbolizer, &address);
}

static void check_nothing_known(const struct frame_list *list, const char *module)
{
    ck_assert_uint_eq(list->count, 1);
    ck_assert_pstr_eq(list->frames[0].module, module);
    ck_assert_ptr_null(list->frames[0].function);
    ck_assert_ptr_null(list->frames[0].file);
    ck_assert_int_eq(list->frames[0].line, 0);
    ck_assert(!list->frames[0].inlined);
}

START_TEST(the_right_build_id)
{
    build_c("gcc -O2 -g -Wl,--build-id=sha1");
    read_build_id();
    const struct frame_list *list = frames_with_id("chain");
    ck_assert_uint_eq(list->count, 3);
    char hex[41];
    for (size_t i = 0; i < sizeof(build_id); i++)
        snprintf(hex + 2 * i, 3, "%02x", build_id[i]);
    for (size_t i = 0; i < list->count; i++)
        ck_assert_pstr_eq(list->frames[i].build_id, hex);
    ck_assert_ptr_null(frames_of("chain")->frames[0].build_id);
}
END_TEST

START_TEST(another_build_id)
{
    build_c("gcc -O2 -g -Wl,--build-id=sha1");
    read_build_id();
    build_c("gcc -O0 -g -Wl,--build-id=sha1");
    check_nothing_known(frames_with_id("plain"), program);
    ck_assert_uint_eq(frames_with_id("plain")->frames[0].offset, offset_of("plain"));
    ck_assert_ptr_nonnull(frames_with_id("plain")->frames[0].build_id);
    start_again();
    build_c("gcc -O2 -g -Wl,--build-id=none");
    check_nothing_known(frames_with_id("plain"), program);
    check_one("plain", "plain"); /* nobody said which one it must be */
}
END_TEST

static void put_under_build_id(const char *file, const char *ending)
{
    char path[128], *at = path + sprintf(path, "/usr/lib/debug/.build-id/%02x/", build_id[0]);
    run("mkdir -p %s", path);
    for (size_t i = 1; i < sizeof(build_id); i++)
        at += sprintf(at, "%02x", build_id[i]);
    run("cp %s %s%s", file, path, ending);
}

START_TEST(debug_files_by_build_id)
{
    if (!own_debug_directory())
        return;
    build_c("gcc -O2 -g -Wl,--build-id=sha1");
    read_build_id();
    run("objcopy --only-keep-debug %s %s/separate && strip %s", program, directory, program);
    put_under_build_id(program, ".other");
    if (_i == 0) {
        check_nothing_known(frames_with_id("chain"), program);
        start_again();
    } else if (_i == 1) { /* the file is gone */
        run("rm %s", program);
    } else { /* the file is another one by now */
        run("cp /bin/true %s", program);
    }
    char file[160];
    snprintf(file, sizeof(file), "%s/separate", directory);
    put_under_build_id(file, ".debug");
    const struct frame_list *list = frames_with_id("chain");
    ck_assert_uint_eq(list->count, 3);
    check_frame(&list->frames[0], "inner", "chain inner");
    check_frame(&list->frames[2], "outer", "chain outer");
    ck_assert_pstr_eq(list->frames[0].module, program);
}
END_TEST

START_TEST(files_that_are_none)
{
    char garbage[160], pipe[160], cut[160];
    snprintf(garbage, sizeof(garbage), "%s/garbage", directory);
    snprintf(cut, sizeof(cut), "%s/cut", directory);
    snprintf(pipe, sizeof(pipe), "%s/pipe", directory);
    build_c("gcc -O2 -g");
    run("head -c 10000 /dev/urandom >%s && head -c 3000 %s >%s", garbage, program, cut);
    ck_assert_int_eq(mkfifo(pipe, 0600), 0);
    const char *const names[] = {garbage,     cut,         pipe,       directory, "/nonexistent/file",
                                 "/dev/null", "/dev/zero", "/dev/tty", "[vdso]",  "",
                                 "[heap]",    ".",         "/"};
    for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
        struct code_address address = {.module = names[i], .offset = offset_of("plain"), .pc = 1};
        const struct frame_list *list = symbolize(symbolizer, &address);
        check_nothing_known(list, names[i]);
        ck_assert_uint_eq(list->frames[0].offset, offset_of("plain"));
        ck_assert_int_eq(list->frames[0].runtime, strcmp(names[i], "[vdso]") == 0);
    }
}
END_TEST

/* Relative to what?  The program's directory of that time is not ours. */
START_TEST(relative_paths_are_not_believed)
{
    build_c("gcc -O2 -g");
    ck_assert_int_eq(chdir(directory), 0);
    struct code_address address = {.module = "program", .offset = offset_of("plain")};
    check_nothing_known(symbolize(symbolizer, &address), "program");
    ck_assert_int_eq(chdir("/"), 0);
}
END_TEST

START_TEST(no_module)
{
    struct code_address address = {.pc = 0x7f0012345678, .offset = 0x7f0012345678};
    const struct frame_list *list = symbolize(symbolizer, &address);
    check_nothing_known(list, NULL);
    ck_assert_uint_eq(list->frames[0].pc, address.pc);
    ck_assert_ptr_eq(symbolize(symbolizer, &address), list);
    address.pc++;
    ck_assert_uint_eq(symbolize(symbolizer, &address)->frames[0].pc, address.pc);
}
END_TEST

/* Damage anywhere in the file: any answer will do, but there must be one. */
START_TEST(damaged_files)
{
    build_c("gcc -O2 -g");
    struct stat status;
    ck_assert_int_eq(stat(program, &status), 0);
    srand(1);
    for (int round = 0; round < 60; round++) {
        start_again();
        char copy[160];
        snprintf(copy, sizeof(copy), "%s.%d", program, round);
        run("cp %s %s", program, copy);
        int fd = open(copy, O_WRONLY);
        for (int i = 0; i < 100; i++) {
            uint8_t byte = (uint8_t)rand();
            ck_assert_int_eq(pwrite(fd, &byte, 1, 64 + rand() % (status.st_size - 64)), 1);
        }
        close(fd);
        for (size_t i = 0; i < place_count; i++) {
            struct code_address address = {.module = copy, .offset = places[i].offset};
            ck_assert_uint_ge(symbolize(symbolizer, &address)->count, 1);
        }
    }
}
END_TEST

/* ---- servers ----------------------------------------------------------------------------------------- */

/* Answers "404" to all who ask, and writes a byte into the pipe for each. */
static pid_t start_server(int asked, char *url, size_t size)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t length = sizeof(address);
    int listener = socket(AF_INET, SOCK_STREAM, 0);
    ck_assert_int_eq(bind(listener, (struct sockaddr *)&address, sizeof(address)), 0);
    ck_assert_int_eq(listen(listener, 8), 0);
    ck_assert_int_eq(getsockname(listener, (struct sockaddr *)&address, &length), 0);
    snprintf(url, size, "http://127.0.0.1:%d", ntohs(address.sin_port));
    pid_t child = fork();
    if (child == 0) {
        static const char answer[] = "HTTP/1.0 404 Not Found\r\nContent-Length: 0\r\n\r\n";
        char request[4096];
        alarm(60);
        for (;;) {
            int peer = accept(listener, NULL, NULL);
            if (write(asked, "", 1) != 1 || read(peer, request, sizeof(request)) < 0 ||
                write(peer, answer, sizeof(answer) - 1) < 0)
                _exit(1);
            close(peer);
        }
    }
    close(listener);
    return child;
}

static bool was_asked(int fd)
{
    char bytes[16];
    struct pollfd poll_fd = {.fd = fd, .events = POLLIN};
    return poll(&poll_fd, 1, 0) == 1 && read(fd, bytes, sizeof(bytes)) > 0;
}

START_TEST(servers_are_asked_only_on_demand)
{
    int asked[2];
    char url[64];
    build_c("gcc -O2 -Wl,--build-id=sha1");
    run("strip %s", program);
    read_build_id();
    ck_assert_int_eq(pipe(asked), 0);
    pid_t server = start_server(asked[1], url, sizeof(url));
    setenv("DEBUGINFOD_URLS", url, 1);
    setenv("DEBUGINFOD_CACHE_PATH", directory, 1);
    setenv("DEBUGINFOD_TIMEOUT", "5", 1);
    setenv("no_proxy", "127.0.0.1", 1);
    check_nothing_known(frames_with_id("plain"), program);
    ck_assert_msg(!was_asked(asked[0]), "a server was asked");
    ck_assert_str_eq(getenv("DEBUGINFOD_URLS"), url);
    symbolizer_free(symbolizer);
    symbolizer = symbolizer_new(true);
    check_nothing_known(frames_with_id("plain"), program);
    if (!was_asked(asked[0]))
        skip("no libdebuginfod here");
    kill(server, SIGKILL);
    waitpid(server, NULL, 0);
}
END_TEST

int main(void)
{
    TCase *tests = tcase_create("symbolize_files");
    tcase_add_loop_test(tests, debug_link, 0, 2);
    tcase_add_test(tests, debug_link_to_another_build);
    tcase_add_test(tests, alternative_debug_link);
    tcase_add_loop_test(tests, debug_link_to_a_fifo, 0, 2);
    tcase_add_test(tests, alternative_debug_link_to_a_fifo);
    tcase_add_test(tests, split_debug_information_in_a_fifo);
    tcase_add_test(tests, debug_link_to_a_huge_file);
    tcase_add_test(tests, the_right_build_id);
    tcase_add_test(tests, another_build_id);
    tcase_add_loop_test(tests, debug_files_by_build_id, 0, 3);
    tcase_add_test(tests, files_that_are_none);
    tcase_add_test(tests, relative_paths_are_not_believed);
    tcase_add_test(tests, no_module);
    tcase_add_test(tests, damaged_files);
    tcase_add_test(tests, servers_are_asked_only_on_demand);
    return program_suite_run("symbolize_files", tests);
}
