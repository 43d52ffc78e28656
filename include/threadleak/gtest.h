/*
 * GoogleTest: a test that leaves threads behind fails, that test and no other.
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
 * A listener looks before each test and after it, when the fixture is gone.  Threads
 * that SetUpTestSuite or an Environment starts are there before, and are no test's; that
 * they are gone at the end is what the Environment of this adapter is for: its TearDown
 * is the last one where it was added first.
 *
 * Reports name the test, "Suite.Name".  Without the shim nothing is checked and all
 * passes: threadleak_active() says so.
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
        ADD_FAILURE() << "threadleak could not check for leaked threads; standard error says why";
    if (leaked > 0)
        ADD_FAILURE() << "leaked threads" << when << ": " << leaked << "; standard error says which";
}

/* Of one test at a time. */
class Listener : public testing::EmptyTestEventListener
{
  public:
    /* options: of threadleak_check_since, for every test */
    explicit Listener(const std::string &options = "") : options_(options), before_(0)
    {
    }

    /* Within a test: options for its check alone, in place of those.  What they ignore is still
     * there at the end of the program, for Environment's check and for threadleak run:
     * threadleak_ignore_thread() and threadleak_add_suppressions() hold for these, too. */
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

/* From before the first test to after the last one. */
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

    /* Those that a test left have failed that test already. */
    void TearDown() override
    {
        if (!testing::UnitTest::GetInstance()->Failed())
            Judge(threadleak_check_since(before_, options_.c_str()), " after all tests");
    }

  private:
    std::string options_;
    threadleak_checkpoint_t before_;
};

/* Both.  Once, before RUN_ALL_TESTS, and before other environments are added. */
inline void InstallGoogleTest(const std::string &options = "")
{
    testing::AddGlobalTestEnvironment(new Environment(options));
    testing::UnitTest::GetInstance()->listeners().Append(new Listener(options));
}

} /* namespace threadleak */

#endif
