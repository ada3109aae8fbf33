// The one file that Catch's own main is compiled in.

#define CATCH_CONFIG_MAIN
#include <catch2/catch.hpp>
