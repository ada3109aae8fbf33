# Small VST3 hosts of our own, for what no host can be asked: only for tests.
if(STEMLASSO_PLUGIN)
    set(vst3_sdk ${JUCE_MODULES_DIR}/juce_audio_processors/format_types/VST3_SDK)

    # What a host needs of the VST3 SDK that comes with JUCE: the ids of its interfaces.
    add_library(stemlasso_vst3_ids STATIC EXCLUDE_FROM_ALL
        ${vst3_sdk}/pluginterfaces/base/coreiids.cpp
        ${vst3_sdk}/pluginterfaces/base/funknown.cpp
        ${vst3_sdk}/public.sdk/source/vst/vstinitiids.cpp)
    target_include_directories(stemlasso_vst3_ids SYSTEM PUBLIC ${vst3_sdk})
    target_compile_definitions(stemlasso_vst3_ids PUBLIC RELEASE=1)

    add_executable(fake_reaper
        hosts/fake_reaper.cpp hosts/FakeReaper.cpp hosts/FakeReads.cpp hosts/FakeWrites.cpp hosts/LoadedPlugin.cpp)
    target_link_libraries(fake_reaper PRIVATE
        stemlasso_reaper stemlasso_vst3_ids stemlasso_options Threads::Threads ${CMAKE_DL_LIBS})

    add_executable(rt_host hosts/rt_host.cpp hosts/RtPlugin.cpp)
    target_link_libraries(rt_host PRIVATE
        stemlasso_vst3_ids stemlasso_options Threads::Threads ${CMAKE_DL_LIBS})
endif()
