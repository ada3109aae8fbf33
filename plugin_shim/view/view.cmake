# What the editor knows and decides, without a window: no JUCE, no network.
add_library(stemlasso_view STATIC
    view/Peaks.cpp
    view/Places.cpp
    view/SpanGesture.cpp
    view/Spans.cpp
    view/TimeWindow.cpp
    view/Words.cpp)
target_include_directories(stemlasso_view PUBLIC ${CMAKE_CURRENT_SOURCE_DIR})
target_link_libraries(stemlasso_view PRIVATE stemlasso_options PUBLIC Threads::Threads)
