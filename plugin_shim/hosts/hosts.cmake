# Small VST3 hosts of our own, for what no host can be asked: only for tests.
if(STEMLASSO_PLUGIN)
    set(vst3_sdk ${JUCE_MODULES_DIR}/juce_audio_processors/format_types/VST3_SDK)

    # What every host needs: a plug-in loaded, with the ids of its interfaces from JUCE's VST3 SDK.
    add_library(stemlasso_vst3_host STATIC EXCLUDE_FROM_ALL
        hosts/Vst3Plugin.cpp
        ${vst3_sdk}/pluginterfaces/base/coreiids.cpp
        ${vst3_sdk}/pluginterfaces/base/funknown.cpp
        ${vst3_sdk}/public.sdk/source/vst/vstinitiids.cpp)
    target_include_directories(stemlasso_vst3_host SYSTEM PUBLIC ${vst3_sdk})
    target_compile_definitions(stemlasso_vst3_host PUBLIC RELEASE=1)
    set_source_files_properties(hosts/Vst3Plugin.cpp PROPERTIES
        COMPILE_OPTIONS "-Wall;-Wextra;-Wshadow;-Wconversion;-Werror")
    target_link_libraries(stemlasso_vst3_host PUBLIC ${CMAKE_DL_LIBS})

    find_package(X11 REQUIRED)
    add_executable(fake_reaper
        hosts/fake_reaper.cpp hosts/FakeReaper.cpp hosts/FakeReads.cpp hosts/FakeWrites.cpp
        hosts/LoadedPlugin.cpp hosts/HostWindow.cpp hosts/RunLoop.cpp)
    target_link_libraries(fake_reaper PRIVATE
        stemlasso_reaper stemlasso_vst3_host stemlasso_options X11::X11 Threads::Threads)

    add_executable(rt_host hosts/rt_host.cpp)
    # or the plug-in's locks go past the function that counts them
    set_target_properties(rt_host PROPERTIES ENABLE_EXPORTS ON)
    target_link_libraries(rt_host PRIVATE stemlasso_vst3_host stemlasso_options Threads::Threads)

    add_executable(take_host hosts/take_host.cpp)
    target_link_libraries(take_host PRIVATE stemlasso_vst3_host stemlasso_options Threads::Threads)

    add_executable(window_host
        hosts/window_host.cpp hosts/WindowDesk.cpp hosts/HostWindow.cpp hosts/FileDrag.cpp
        hosts/RunLoop.cpp hosts/AudioThread.cpp)
    target_link_libraries(window_host PRIVATE
        stemlasso_vst3_host stemlasso_options X11::X11 Threads::Threads)
endif()
