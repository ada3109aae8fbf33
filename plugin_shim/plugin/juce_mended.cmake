# Two faults of JUCE's wrapper, mended in a copy of it.
#
# On Linux JUCE 7.0.5 forgets, when a window closes, all windows that the host gave the same run loop, and
# those that are still open get no event and no timer any more. Hosts do that, Ardour for instance. JUCE 8
# forgets the one; its line is put in here.
#
# JUCE 7.0.5 adds a part of its own to the end of a state, and believes what its last bytes say of its
# length: a damaged project crashes the host. What cannot be is left alone now.
set(wrapper ${JUCE_MODULES_DIR}/juce_audio_plugin_client/VST3/juce_VST3_Wrapper.cpp)
if(CMAKE_SYSTEM_NAME STREQUAL "Linux" AND EXISTS ${wrapper})
    set(forgetting "hostRunLoops.erase (runLoop)")
    set(believing "if (magic == kJucePrivateDataIdentifier)")
    file(READ ${wrapper} text)
    string(FIND "${text}" "${forgetting}" forgetting_at)
    string(FIND "${text}" "${believing}" believing_at)
    if(forgetting_at GREATER -1 AND believing_at GREATER -1)
        string(CONCAT forgetting_one
            "if (const auto one = hostRunLoops.find (runLoop); one != hostRunLoops.end())"
            " hostRunLoops.erase (one)")
        string(CONCAT measuring
            "const auto fits = [&] (uint64 around) {"
            " uint64 inside = 0;"
            " std::memcpy (&inside, buffer + (size_t) size - around + sizeof (uint64), sizeof (uint64));"
            " return ByteOrder::swapIfBigEndian (inside) <= size - around; };"
            " if (const auto around = (uint64) jucePrivDataIdentifierSize + 2 * sizeof (uint64);"
            " magic == kJucePrivateDataIdentifier && size >= around && fits (around))")
        string(REPLACE "${forgetting}" "${forgetting_one}" text "${text}")
        string(REPLACE "${believing}" "${measuring}" text "${text}")
        string(REPLACE "\"../utility/" "\"juce_audio_plugin_client/utility/" text "${text}")
        set(mended ${CMAKE_CURRENT_BINARY_DIR}/juce_mended/juce_VST3_Wrapper.cpp)
        file(CONFIGURE OUTPUT ${mended} CONTENT "${text}" @ONLY)
        get_target_property(sources juce_audio_plugin_client_VST3 INTERFACE_SOURCES)
        list(FILTER sources EXCLUDE REGEX "/juce_audio_plugin_client_VST3.cpp$")
        set_target_properties(juce_audio_plugin_client_VST3 PROPERTIES
            INTERFACE_SOURCES "${sources};${mended}")
    endif()
endif()
