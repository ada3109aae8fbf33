# Unit tests of what has no JUCE in it.
find_package(Catch2 REQUIRED)
include(Catch)
