# From the audio thread to a file: no JUCE, no network.
add_library(stemlasso_capture STATIC
    capture/Consumer.cpp
    capture/Recorder.cpp
    capture/Spool.cpp
    capture/SpoolThread.cpp
    capture/TakeFile.cpp)
target_include_directories(stemlasso_capture PUBLIC ${CMAKE_CURRENT_SOURCE_DIR})
target_link_libraries(stemlasso_capture PRIVATE stemlasso_options PUBLIC Threads::Threads)
