# The plug-in itself. AU needs a Mac and JUCE of one's own: Debian's has it taken out.
if(STEMLASSO_JUCE_DIR)
    add_subdirectory(${STEMLASSO_JUCE_DIR} juce EXCLUDE_FROM_ALL)
else()
    find_package(JUCE 7.0.5 CONFIG REQUIRED)
endif()

set(formats VST3 Standalone)
if(APPLE)
    list(APPEND formats AU)
endif()

juce_add_plugin(StemLasso
    PRODUCT_NAME "StemLasso"
    COMPANY_NAME "StemLasso"
    BUNDLE_ID org.stemlasso.shim
    PLUGIN_MANUFACTURER_CODE StLa
    PLUGIN_CODE Stl1
    FORMATS ${formats}
    VST3_CATEGORIES Fx Tools
    AU_MAIN_TYPE kAudioUnitType_Effect
    IS_SYNTH FALSE
    NEEDS_MIDI_INPUT FALSE
    NEEDS_MIDI_OUTPUT FALSE
    IS_MIDI_EFFECT FALSE
    EDITOR_WANTS_KEYBOARD_FOCUS TRUE
    MICROPHONE_PERMISSION_ENABLED TRUE
    MICROPHONE_PERMISSION_TEXT "The standalone version captures what its input hears."
    NEEDS_CURL FALSE
    NEEDS_WEB_BROWSER FALSE
    COPY_PLUGIN_AFTER_BUILD FALSE
    VST3_AUTO_MANIFEST FALSE)

set(plugin_sources
    plugin/Badge.cpp
    plugin/CaptureBox.cpp
    plugin/ClipList.cpp
    plugin/ClipState.cpp
    plugin/EditorRefresh.cpp
    plugin/EngineBar.cpp
    plugin/GrowingWav.cpp
    plugin/HostClock.cpp
    plugin/LayoutFile.cpp
    plugin/Look.cpp
    plugin/PeakLoader.cpp
    plugin/PluginEditor.cpp
    plugin/PluginProcessor.cpp
    plugin/ProcessorState.cpp
    plugin/PromptBar.cpp
    plugin/ReaperHost.cpp
    plugin/SpanStrip.cpp
    plugin/SpanStripEdits.cpp
    plugin/SpanStripPaint.cpp
    plugin/StatusLine.cpp
    plugin/StemLane.cpp
    plugin/StemPlan.cpp
    plugin/StemShelf.cpp
    plugin/WavePicture.cpp
    plugin/Workspace.cpp)
target_sources(StemLasso PRIVATE ${plugin_sources})
set_source_files_properties(${plugin_sources} PROPERTIES
    COMPILE_OPTIONS "$<$<NOT:$<CXX_COMPILER_ID:MSVC>>:-Wall;-Wextra;-Werror>")

# Debian's JUCE has no codecs in it; the shim reads and writes only WAV files of its own.
target_compile_definitions(StemLasso PUBLIC
    JUCE_WEB_BROWSER=0
    JUCE_USE_CURL=0
    JUCE_VST3_CAN_REPLACE_VST2=0
    JUCE_DISPLAY_SPLASH_SCREEN=0
    JUCE_REPORT_APP_USAGE=0
    JUCE_USE_FLAC=0
    JUCE_USE_OGGVORBIS=0
    JUCE_STRICT_REFCOUNTEDPOINTER=1
    JUCE_MODAL_LOOPS_PERMITTED=0)
target_link_libraries(StemLasso
    PRIVATE
        stemlasso_wire
        stemlasso_capture
        stemlasso_reaper
        stemlasso_view
        juce::juce_audio_utils
    PUBLIC
        juce::juce_recommended_config_flags)
include(plugin/size.cmake)
include(plugin/juce_mended.cmake)
