/*
 * A server with a thread for each request, on a port of its own, which it prints. "GET /slow" waits for a
 * backend that never answers, so its thread stays. For every third request another thread writes a log;
 * nobody joins it.
 */
#include <arpa/inet.h>
#include <condition_variable>
#include <cstdio>
#include <cstring>
#include <mutex>
#include <netinet/in.h>
#include <string>
#include <sys/socket.h>
#include <thread>
#include <unistd.h>

static std::mutex cache_lock;
static std::condition_variable cache_filled;

static void wait_for_backend()
{
    std::unique_lock<std::mutex> lock(cache_lock);
    cache_filled.wait(lock, [] { return false; }); // handlers wait here
}

struct handler {
    int connection;

    void operator()()
    {
        static const char answer[] = "HTTP/1.0 200 OK\r\nContent-Length: 3\r\n\r\nok\n";
        char request[512] = "";
        if (read(connection, request, sizeof(request) - 1) > 0) {
            if (strncmp(request, "GET /slow", 9) == 0)
                wait_for_backend();
            (void)!write(connection, answer, sizeof(answer) - 1);
        }
        close(connection);
    }
};

static void write_log(std::string)
{
}

static void keep_house()
{
    for (;;)
        pause();
}

static void serve(int connection)
{
    static int requests;
    std::thread(handler{connection}).detach(); // creates handlers
    if (++requests % 3 == 0)
        new std::thread(write_log, "request"); // creates logs
}

static int listen_and_say_where()
{
    struct sockaddr_in address = {};
    socklen_t size = sizeof(address);
    int listener = socket(AF_INET, SOCK_STREAM, 0);
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (bind(listener, (struct sockaddr *)&address, sizeof(address)) || listen(listener, 100) ||
        getsockname(listener, (struct sockaddr *)&address, &size)) {
        perror("leaky_server");
        _exit(3);
    }
    printf("%d\n", ntohs(address.sin_port));
    fflush(stdout);
    return listener;
}

int main()
{
    int listener = listen_and_say_where();
    std::thread(keep_house).detach();
    for (;;) {
        int connection = accept(listener, nullptr, nullptr);
        if (connection >= 0)
            serve(connection);
    }
}
