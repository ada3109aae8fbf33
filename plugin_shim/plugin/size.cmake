# A small plug-in: built for size, what nothing uses left out, and only its entry points shown. What
# the audio thread runs of ours lies in capture/, which is built for speed.
#
# Linked last, because JUCE's recommended flags ask for speed.
add_library(stemlasso_small INTERFACE)
if(NOT MSVC)
    target_compile_options(stemlasso_small INTERFACE
        "$<$<CONFIG:Release>:-Os;-ffunction-sections;-fdata-sections>")
endif()
target_link_libraries(StemLasso PUBLIC stemlasso_small)
if(CMAKE_SYSTEM_NAME STREQUAL "Linux")
    foreach(format IN LISTS formats)
        target_link_options(StemLasso_${format} PRIVATE
            "$<$<CONFIG:Release>:-s;-Wl,--gc-sections>")
    endforeach()
    target_link_options(StemLasso_VST3 PRIVATE
        -Wl,--version-script=${CMAKE_CURRENT_SOURCE_DIR}/plugin/exports.map)
    set_target_properties(StemLasso_VST3 PROPERTIES
        LINK_DEPENDS ${CMAKE_CURRENT_SOURCE_DIR}/plugin/exports.map)
endif()
