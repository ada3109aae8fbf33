# The way to the engine: no JUCE, no audio.
add_library(stemlasso_wire STATIC wire/EngineLink.cpp)
target_include_directories(stemlasso_wire PUBLIC ${CMAKE_CURRENT_SOURCE_DIR})
target_include_directories(stemlasso_wire SYSTEM PRIVATE ${MSGPACK_INCLUDE_DIR} ${CPPZMQ_INCLUDE_DIR})
target_compile_definitions(stemlasso_wire PRIVATE MSGPACK_NO_BOOST MSGPACK_DISABLE_LEGACY_NIL)
target_link_libraries(stemlasso_wire PRIVATE stemlasso_options PkgConfig::ZMQ PUBLIC Threads::Threads)
