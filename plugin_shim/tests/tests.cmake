# Unit tests of what has no JUCE in it.
find_package(Catch2 REQUIRED)
include(Catch)
# GCC 12 warns of std::regex in it once a sanitizer watches.
set_source_files_properties(tests/TestMain.cpp PROPERTIES COMPILE_OPTIONS
    "$<$<CXX_COMPILER_ID:GNU>:-Wno-maybe-uninitialized>")

add_library(test_main OBJECT tests/TestMain.cpp)
target_link_libraries(test_main PUBLIC Catch2::Catch2)

add_executable(view_tests $<TARGET_OBJECTS:test_main> tests/ViewTests.cpp)
target_link_libraries(view_tests PRIVATE stemlasso_view stemlasso_options Catch2::Catch2)
catch_discover_tests(view_tests TEST_PREFIX "view: ")

add_executable(reaper_tests
    $<TARGET_OBJECTS:test_main> tests/ReaperReadTests.cpp tests/ReaperInsertTests.cpp
    tests/ReaperSliceTests.cpp
    hosts/FakeReaper.cpp hosts/FakeReads.cpp hosts/FakeWrites.cpp)
target_include_directories(reaper_tests PRIVATE ${CMAKE_CURRENT_SOURCE_DIR})
target_link_libraries(reaper_tests PRIVATE stemlasso_reaper stemlasso_options Catch2::Catch2 Threads::Threads)
catch_discover_tests(reaper_tests TEST_PREFIX "reaper: ")

set(fuzz_turns 50000)
if(STEMLASSO_SANITIZE)
    set(fuzz_turns 10000)
endif()
add_executable(wire_tests
    $<TARGET_OBJECTS:test_main>
    tests/ConnectionFileTests.cpp
    tests/EngineLinkTests.cpp
    tests/FakeServer.cpp
    tests/MessageFuzzTests.cpp
    tests/MessageTests.cpp)
target_include_directories(wire_tests SYSTEM PRIVATE ${JSON_INCLUDE_DIR} ${CPPZMQ_INCLUDE_DIR})
target_compile_definitions(wire_tests PRIVATE
    STEMLASSO_FUZZ_TURNS=${fuzz_turns}
    STEMLASSO_GOLDEN_DIR="${CMAKE_CURRENT_SOURCE_DIR}/../tests/data/wire")
target_link_libraries(wire_tests PRIVATE stemlasso_wire stemlasso_options Catch2::Catch2 PkgConfig::ZMQ)
catch_discover_tests(wire_tests TEST_PREFIX "wire: " PROPERTIES
    ENVIRONMENT "TSAN_OPTIONS=suppressions=${CMAKE_CURRENT_SOURCE_DIR}/tests/thread.supp")

add_executable(wire_client tests/WireClient.cpp)
target_include_directories(wire_client SYSTEM PRIVATE ${JSON_INCLUDE_DIR})
target_link_libraries(wire_client PRIVATE stemlasso_wire stemlasso_options)
add_executable(capture_tests tests/TestMain.cpp tests/CaptureTests.cpp tests/PaceTests.cpp tests/TakeTests.cpp tests/SpoolTests.cpp)
target_link_libraries(capture_tests PRIVATE stemlasso_capture stemlasso_options Catch2::Catch2)
catch_discover_tests(capture_tests TEST_PREFIX "capture: ")

# The editor needs a screen: tests/test_shim/test_editor_parts.py runs it on one of its own.
if(STEMLASSO_PLUGIN)
    add_executable(editor_tests
        tests/EditorTests.cpp tests/EditorReaperTests.cpp tests/EditorStage.cpp
        hosts/FakeReaper.cpp hosts/FakeReads.cpp hosts/FakeWrites.cpp)
    target_include_directories(editor_tests PRIVATE
        ${CMAKE_CURRENT_SOURCE_DIR} $<TARGET_PROPERTY:StemLasso,INCLUDE_DIRECTORIES>)
    target_compile_definitions(editor_tests PRIVATE $<TARGET_PROPERTY:StemLasso,COMPILE_DEFINITIONS>)
    target_link_libraries(editor_tests PRIVATE
        StemLasso stemlasso_reaper stemlasso_capture stemlasso_wire stemlasso_view
        juce::juce_audio_utils Catch2::Catch2)
endif()
