/*
 * Adapter for GoogleTest: a test that leaks threads fails, and no other test does.
 *
 *     #include <threadleak/gtest.h>
 *
 *     THREADLEAK_GTEST();          // in one file, outside of functions; or THREADLEAK_GTEST("grace_ms=100");
 *
 * It works with gtest_main, and with a main of your own.  That main can also call
 * threadleak::InstallGoogleTest() before RUN_ALL_TESTS.
 *
 * A listener checks after each test, when the fixture is destroyed.  Threads that
 * SetUpTestSuite or an Environment started do not count for a test.  The Environment of this
 * adapter checks that they are gone at the end.  Add it first, so that its TearDown runs last.
 *
 * The failure is at the line of the test, and its message has a line for each creation site.  The
 * report at the end of the process has the stacks, and names the test, "Suite.Name".  A test with
 * parameters has its full name, "Prefix/Suite.Name/0".
 *
 * Without libthreadleak.so nothing is checked, and one line on standard error says so.  Another
 * line does so if the program includes this header and does not install the adapter.
 */
#ifndef THREADLEAK_GTEST_ADAPTER_H
#define THREADLEAK_GTEST_ADAPTER_H

#include <gtest/gtest.h>
#include <string>

#include "adapter.h"

namespace threadleak
{

/* One for all files of the program. */
inline threadleak_adapter_ &Adapter()
{
    static threadleak_adapter_ adapter = {0, 0, 0, 0};
    return adapter;
}

/* Fails the test that is at this line. */
inline void Judge(const char *file, int line, threadleak_checkpoint_t before, const std::string &options,
                  const char *when)
{
    threadleak_message_ message;
    if (threadleak_adapter_check_(&message, before, options.c_str(), nullptr) != 0)
        ADD_FAILURE_AT(file, line) << message.text << when;
}

/* Checks each test. */
class Listener : public testing::EmptyTestEventListener
{
  public:
    /* Options of threadleak_check_since for every test. */
    explicit Listener(const std::string &options = "") : options_(options), before_(0)
    {
    }

    /* Within a test: options for its check alone, in place of those.  The check of Environment and
     * threadleak run still count the threads that they ignore.  threadleak_ignore_thread() and
     * threadleak_add_suppressions() apply there, too. */
    static void TestOptions(const std::string &options)
    {
        Once() = options;
    }

    /* The child of a death test has no such events, and nothing may be printed there. */
    void OnTestProgramStart(const testing::UnitTest &) override
    {
        threadleak_adapter_note_(&Adapter());
    }

    void OnTestStart(const testing::TestInfo &test) override
    {
        const std::string name = std::string(test.test_suite_name()) + "." + test.name();
        Once().clear();
        before_ = threadleak_checkpoint();
        threadleak_test(name.c_str());
    }

    void OnTestEnd(const testing::TestInfo &test) override
    {
        Judge(test.file(), test.line(), before_, Once().empty() ? options_ : Once(), "");
        threadleak_test(nullptr);
    }

  private:
    static std::string &Once()
    {
        static std::string once;
        return once;
    }
    std::string options_;
    threadleak_checkpoint_t before_;
};

/* Checks from before the first test to after the last one. */
class Environment : public testing::Environment
{
  public:
    explicit Environment(const std::string &options = "") : options_(options), before_(0)
    {
    }

    void SetUp() override
    {
        before_ = threadleak_checkpoint();
    }

    /* A thread that a test leaked has already made that test fail. */
    void TearDown() override
    {
        if (!testing::UnitTest::GetInstance()->Failed())
            Judge(nullptr, -1, before_, options_, "\n  after all tests");
    }

  private:
    std::string options_;
    threadleak_checkpoint_t before_;
};

/* Installs both, once. */
inline bool InstallGoogleTest(const std::string &options = "")
{
    if (!Adapter().installed++) {
        testing::AddGlobalTestEnvironment(new Environment(options));
        testing::UnitTest::GetInstance()->listeners().Append(new Listener(options));
    }
    return true;
}

/* Is this process the child of a death test? */
inline bool InDeathTest()
{
#if GTEST_HAS_DEATH_TEST
    return testing::internal::InDeathTestChild();
#else
    return false;
#endif
}

/* Each file that includes this header has one. */
static struct Reminder {
    Reminder()
    {
        threadleak_adapter_begin_(&Adapter());
    }
    ~Reminder()
    {
        if (!InDeathTest())
            threadleak_adapter_end_(&Adapter(), "gtest.h", "put THREADLEAK_GTEST(); into one file");
    }
} reminder_ __attribute__((unused));

} /* namespace threadleak */

/* The argument, if any, is a string: the options of threadleak_check_since for every test. */
#define THREADLEAK_GTEST(...)                                               \
    static const bool threadleak_gtest_installed_ __attribute__((unused)) = \
        threadleak::InstallGoogleTest(__VA_ARGS__)

#endif
