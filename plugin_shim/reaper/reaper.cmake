# REAPER's own functions, asked for by name: no JUCE, no network.
add_library(stemlasso_reaper STATIC
    reaper/Envelopes.cpp
    reaper/Functions.cpp
    reaper/Making.cpp
    reaper/Placing.cpp
    reaper/Plan.cpp
    reaper/ReaperApi.cpp
    reaper/Reading.cpp
    reaper/SelectionRead.cpp
    reaper/Wav.cpp)
target_include_directories(stemlasso_reaper PUBLIC ${CMAKE_CURRENT_SOURCE_DIR})
target_link_libraries(stemlasso_reaper PRIVATE stemlasso_options)
