# From the audio thread to a file: no JUCE, no network.
add_library(stemlasso_capture STATIC capture/Recorder.cpp)
target_include_directories(stemlasso_capture PUBLIC ${CMAKE_CURRENT_SOURCE_DIR})
target_link_libraries(stemlasso_capture PRIVATE stemlasso_options PUBLIC Threads::Threads)
