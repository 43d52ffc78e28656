/* Tests of one function with several names, and threads that other threads create. */
#include <pthread.h>
#include <semaphore.h>
#include <string>
#include <sys/wait.h>
#include <threadleak/gtest.h>
#include <unistd.h>

static void *wait_for_ever(void *arg)
{
    for (;;)
        pause();
    return arg;
}

static void leak()
{
    pthread_t thread;
    ASSERT_EQ(pthread_create(&thread, nullptr, wait_for_ever, nullptr), 0);
}

class Numbers : public testing::TestWithParam<int>
{
};

TEST_P(Numbers, Leaks)
{
    if (GetParam() != 1)
        leak();
}

static std::string color_of(const testing::TestParamInfo<int> &info)
{
    static const char *const names[] = {"Red", "Green", "Blue"};
    return names[info.param];
}

INSTANTIATE_TEST_SUITE_P(In, Numbers, testing::Values(0, 1, 2));
INSTANTIATE_TEST_SUITE_P(Colors, Numbers, testing::Values(0, 1, 2), color_of);

template <typename T> class Typed : public testing::Test
{
};
using TypesOfTyped = testing::Types<int, char>;
TYPED_TEST_SUITE(Typed, TypesOfTyped);

TYPED_TEST(Typed, Leaks)
{
    leak();
}

/* ---- helper threads ---- */

static sem_t go, done;

static void *create_one(void *arg)
{
    pthread_t thread;
    pthread_create(&thread, nullptr, wait_for_ever, nullptr);
    sem_post(&done);
    return arg;
}

static void *create_one_later(void *arg)
{
    for (;;) {
        while (sem_wait(&go) != 0)
            ;
        create_one(arg);
    }
}

class Helpers : public testing::TestWithParam<int>
{
  protected:
    void SetUp() override
    {
        sem_init(&done, 0, 0);
    }
};

TEST_P(Helpers, CreateAThread)
{
    pthread_t helper;
    ASSERT_EQ(pthread_create(&helper, nullptr, create_one, nullptr), 0);
    pthread_join(helper, nullptr);
}

TEST_P(Helpers, OfALeakedThread)
{
    pthread_t helper;
    sem_init(&go, 0, 0);
    ASSERT_EQ(pthread_create(&helper, nullptr, create_one_later, nullptr), 0);
}

/* The leaked thread of the test before these creates a thread. */
static void let_it_create_one()
{
    sem_post(&go);
    while (sem_wait(&done) != 0)
        ;
}

TEST_P(Helpers, PassesLater)
{
    let_it_create_one();
}

TEST_P(Helpers, LeaksLater)
{
    let_it_create_one();
    leak();
}

TEST_P(Helpers, ForkAChild)
{
    pid_t child = fork();
    if (child == 0) {
        leak();
        exit(0);
    }
    waitpid(child, nullptr, 0);
}

INSTANTIATE_TEST_SUITE_P(Once, Helpers, testing::Values(1));

TEST(Last, Leaks)
{
    leak();
}

THREADLEAK_GTEST("grace_ms=50");
