// Boost.Test: suites within suites.
#define BOOST_TEST_MODULE leaks
#include <boost/test/included/unit_test.hpp>

#include "leak.h"

BOOST_AUTO_TEST_SUITE(pool)
BOOST_AUTO_TEST_SUITE(of)

BOOST_AUTO_TEST_CASE(leaks)
{
    leak();
    BOOST_TEST(true);
}

BOOST_AUTO_TEST_SUITE_END()
BOOST_AUTO_TEST_SUITE_END()

BOOST_AUTO_TEST_CASE(leaks_as_well)
{
    leak();
    BOOST_TEST(true);
}
