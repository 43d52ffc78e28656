// GoogleTest: each way to write a test.
#include <gtest/gtest.h>

#include "leak.h"

TEST(Pool, Leaks)
{
    leak();
}

TEST(Pool, LeaksNothing)
{
    leak_nothing();
}

TEST(Pool_Of, Threads)
{
    leak();
}

namespace inner
{
class Fixture : public testing::Test
{
};

TEST_F(Fixture, Leaks)
{
    leak();
}

namespace
{
TEST(Anonymous, Leaks)
{
    leak();
}
} // namespace
} // namespace inner

class Parameters : public testing::TestWithParam<int>
{
};

TEST_P(Parameters, Leaks)
{
    leak();
}

INSTANTIATE_TEST_SUITE_P(Two, Parameters, testing::Values(1, 2));

template <typename T> class Typed : public testing::Test
{
};

TYPED_TEST_SUITE(Typed, testing::Types<int>);

TYPED_TEST(Typed, Leaks)
{
    leak();
}

class SetsUp : public testing::Test
{
    void SetUp() override
    {
        leak();
    }
};

TEST_F(SetsUp, LeaksNothing)
{
    leak_nothing();
}

int main(int argc, char **argv)
{
    testing::InitGoogleTest(&argc, argv);
    return RUN_ALL_TESTS();
}
