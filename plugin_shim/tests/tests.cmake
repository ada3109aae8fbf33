# Unit tests of what has no JUCE in it.
find_package(Catch2 REQUIRED)
include(Catch)

add_executable(view_tests tests/TestMain.cpp tests/ViewTests.cpp)
target_link_libraries(view_tests PRIVATE stemlasso_view stemlasso_options Catch2::Catch2)
catch_discover_tests(view_tests TEST_PREFIX "view: ")
