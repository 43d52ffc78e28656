/* The same with GoogleTest: one test leaks, one cleans up in its fixture, one ignores. */
#include <thread>
#include <threadleak/gtest.h>
#include <unistd.h>

static void leave_one()
{
    std::thread([] {
        for (;;)
            pause();
    }).detach();
}

class Pool : public testing::Test
{
  protected:
    void SetUp() override
    {
        ASSERT_EQ(pipe(gate_), 0);
        thread_ = std::thread([this] {
            char byte;
            (void)!read(gate_[0], &byte, 1);
        });
    }

    void TearDown() override
    {
        close(gate_[1]);
        thread_.join();
    }

  private:
    int gate_[2];
    std::thread thread_;
};

TEST_F(Pool, CleanBefore)
{
}

TEST(Threads, Leaks)
{
    leave_one();
}

TEST(Threads, Ignores)
{
    threadleak::Listener::TestOptions("ignore_creator=leave_one*");
    leave_one();
}

TEST(Threads, CleanAfter)
{
}

int main(int argc, char **argv)
{
    testing::InitGoogleTest(&argc, argv);
    threadleak::InstallGoogleTest("grace_ms=50");
    return RUN_ALL_TESTS();
}
