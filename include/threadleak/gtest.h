/*
 * Adapter for GoogleTest: a test that leaks threads fails, and no other test does.
 *
 *     #include <threadleak/gtest.h>
 *
 *     int main(int argc, char **argv)
 *     {
 *         testing::InitGoogleTest(&argc, argv);
 *         threadleak::InstallGoogleTest();
 *         return RUN_ALL_TESTS();
 *     }
 *
 * A listener checks after each test, when the fixture is destroyed.  Threads that
 * SetUpTestSuite or an Environment started do not count for a test.  The Environment of this
 * adapter checks that they are gone at the end.  Add it first, so that its TearDown runs last.
 *
 * Reports name the test, "Suite.Name".  Without the shim, nothing is checked and all tests
 * pass; threadleak_active() returns 0.
 */
#ifndef THREADLEAK_GTEST_ADAPTER_H
#define THREADLEAK_GTEST_ADAPTER_H

#include <gtest/gtest.h>
#include <string>

#include "threadleak.h"

namespace threadleak
{

inline void Judge(int leaked, const char *when)
{
    if (leaked < 0)
        ADD_FAILURE() << "threadleak could not check for leaked threads: see its message on standard error";
    if (leaked > 0)
        ADD_FAILURE() << "leaked threads" << when << ": " << leaked << ", see the report on standard error";
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

    void OnTestStart(const testing::TestInfo &test) override
    {
        const std::string name = std::string(test.test_suite_name()) + "." + test.name();
        Once().clear();
        before_ = threadleak_checkpoint();
        threadleak_test(name.c_str());
    }

    void OnTestEnd(const testing::TestInfo &) override
    {
        const std::string &options = Once().empty() ? options_ : Once();
        Judge(threadleak_check_since(before_, options.c_str()), "");
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
            Judge(threadleak_check_since(before_, options_.c_str()), " after all tests");
    }

  private:
    std::string options_;
    threadleak_checkpoint_t before_;
};

/* Installs both.  Call it once, before RUN_ALL_TESTS and before you add other environments. */
inline void InstallGoogleTest(const std::string &options = "")
{
    testing::AddGlobalTestEnvironment(new Environment(options));
    testing::UnitTest::GetInstance()->listeners().Append(new Listener(options));
}

} /* namespace threadleak */

#endif
