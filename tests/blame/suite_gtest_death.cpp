// GoogleTest: death tests, whose children end with threads that nobody stops.
#include <cstdlib>
#include <gtest/gtest.h>

#include "leak.h"

TEST(ServerDeathTest, Exits)
{
    EXPECT_EXIT(
        {
            leak();
            exit(3);
        },
        testing::ExitedWithCode(3), "");
}

TEST(ServerDeathTest, Aborts)
{
    EXPECT_DEATH(
        {
            leak();
            abort();
        },
        "");
}
