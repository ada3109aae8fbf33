# The way to the engine: no JUCE, no audio.
add_library(stemlasso_wire STATIC
    wire/ConnectionFile.cpp
    wire/EngineLink.cpp
    wire/ErrandMachine.cpp
    wire/ErrandState.cpp
    wire/Folders.cpp
    wire/Launcher.cpp
    wire/LauncherPosix.cpp
    wire/LauncherWindows.cpp
    wire/LinkThread.cpp
    wire/LinkThreadHears.cpp
    wire/Message.cpp
    wire/Shape.cpp
    wire/Sockets.cpp
    wire/StemPaths.cpp
    wire/Value.cpp)
target_include_directories(stemlasso_wire PUBLIC ${CMAKE_CURRENT_SOURCE_DIR})
target_include_directories(stemlasso_wire SYSTEM PRIVATE
    ${MSGPACK_INCLUDE_DIR} ${CPPZMQ_INCLUDE_DIR} ${JSON_INCLUDE_DIR})
target_compile_definitions(stemlasso_wire PRIVATE
    MSGPACK_NO_BOOST
    MSGPACK_DISABLE_LEGACY_NIL
    STEMLASSO_VERSION="${PROJECT_VERSION}")
target_link_libraries(stemlasso_wire PRIVATE stemlasso_options PkgConfig::ZMQ PUBLIC Threads::Threads)
