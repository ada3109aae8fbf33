# JUCE 7.0.5 on Linux: when a window closes, the wrapper forgets all windows that the host gave the same
# run loop, and those that are still open get no event and no timer any more. Hosts do that, Ardour for
# instance. JUCE 8 forgets the one; here its line is put into a copy of the wrapper of JUCE 7.
set(wrapper ${JUCE_MODULES_DIR}/juce_audio_plugin_client/VST3/juce_VST3_Wrapper.cpp)
if(CMAKE_SYSTEM_NAME STREQUAL "Linux" AND EXISTS ${wrapper})
    set(forgetting "hostRunLoops.erase (runLoop)")
    file(READ ${wrapper} text)
    string(FIND "${text}" "${forgetting}" place)
    if(place GREATER -1)
        string(CONCAT forgetting_one
            "if (const auto one = hostRunLoops.find (runLoop); one != hostRunLoops.end())"
            " hostRunLoops.erase (one)")
        string(REPLACE "${forgetting}" "${forgetting_one}" text "${text}")
        string(REPLACE "\"../utility/" "\"juce_audio_plugin_client/utility/" text "${text}")
        set(mended ${CMAKE_CURRENT_BINARY_DIR}/juce_mended/juce_VST3_Wrapper.cpp)
        file(CONFIGURE OUTPUT ${mended} CONTENT "${text}" @ONLY)
        get_target_property(sources juce_audio_plugin_client_VST3 INTERFACE_SOURCES)
        list(FILTER sources EXCLUDE REGEX "/juce_audio_plugin_client_VST3.cpp$")
        set_target_properties(juce_audio_plugin_client_VST3 PROPERTIES
            INTERFACE_SOURCES "${sources};${mended}")
    endif()
endif()
