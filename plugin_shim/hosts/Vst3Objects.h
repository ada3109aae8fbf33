#pragma once

// What a VST3 host hands to a plug-in. Each lives as long as its owner says, whatever is counted.

#include <pluginterfaces/base/ibstream.h>
#include <pluginterfaces/vst/ivsteditcontroller.h>
#include <pluginterfaces/vst/ivsthostapplication.h>
#include <pluginterfaces/vst/ivstmessage.h>
#include <pluginterfaces/vst/ivstparameterchanges.h>

#include <algorithm>
#include <cstring>
#include <string>

namespace stemlasso::hosting // not an anonymous one: COM interfaces in those break with GCC
{

template <typename Interface>
class Owned : public Interface
{
public:
    Steinberg::tresult PLUGIN_API queryInterface (const Steinberg::TUID id, void** object) override
    {
        const bool isOurs = Steinberg::FUnknownPrivate::iidEqual (id, Interface::iid)
                            || Steinberg::FUnknownPrivate::iidEqual (id, Steinberg::FUnknown::iid);
        *object = isOurs ? this : nullptr;
        return isOurs ? Steinberg::kResultOk : Steinberg::kNoInterface;
    }
    Steinberg::uint32 PLUGIN_API addRef() override { return 1; }
    Steinberg::uint32 PLUGIN_API release() override { return 1; }
};

class HostApplication : public Owned<Steinberg::Vst::IHostApplication>
{
public:
    explicit HostApplication (std::u16string nameToUse) : name (std::move (nameToUse)) {}

    Steinberg::tresult PLUGIN_API getName (Steinberg::Vst::String128 text) override
    {
        std::copy_n (name.c_str(), name.size() + 1, text);
        return Steinberg::kResultOk;
    }
    Steinberg::tresult PLUGIN_API createInstance (Steinberg::TUID, Steinberg::TUID,
                                                  void** object) override
    {
        *object = nullptr;
        return Steinberg::kNotImplemented;
    }

private:
    std::u16string name;
};

/** What a plug-in tells of its changes. */
class ComponentHandler final : public Owned<Steinberg::Vst::IComponentHandler>,
                               public Owned<Steinberg::Vst::IComponentHandler2>
{
public:
    Steinberg::tresult PLUGIN_API queryInterface (const Steinberg::TUID id, void** object) override
    {
        return Owned<Steinberg::Vst::IComponentHandler>::queryInterface (id, object)
                       == Steinberg::kResultOk
                   ? Steinberg::kResultOk
                   : Owned<Steinberg::Vst::IComponentHandler2>::queryInterface (id, object);
    }
    Steinberg::uint32 PLUGIN_API addRef() override { return 1; }
    Steinberg::uint32 PLUGIN_API release() override { return 1; }

    Steinberg::tresult PLUGIN_API beginEdit (Steinberg::Vst::ParamID) override
    {
        return Steinberg::kResultOk;
    }
    Steinberg::tresult PLUGIN_API performEdit (Steinberg::Vst::ParamID,
                                               Steinberg::Vst::ParamValue) override
    {
        return Steinberg::kResultOk;
    }
    Steinberg::tresult PLUGIN_API endEdit (Steinberg::Vst::ParamID) override
    {
        return Steinberg::kResultOk;
    }
    Steinberg::tresult PLUGIN_API restartComponent (Steinberg::int32) override
    {
        return Steinberg::kResultOk;
    }
    Steinberg::tresult PLUGIN_API setDirty (Steinberg::TBool isDirty) override
    {
        timesDirty += isDirty != 0 ? 1 : 0;
        return Steinberg::kResultOk;
    }
    Steinberg::tresult PLUGIN_API requestOpenEditor (Steinberg::FIDString) override
    {
        return Steinberg::kNotImplemented;
    }
    Steinberg::tresult PLUGIN_API startGroupEdit() override { return Steinberg::kResultOk; }
    Steinberg::tresult PLUGIN_API finishGroupEdit() override { return Steinberg::kResultOk; }

    int timesDirty = 0; ///< so often the project would be asked to be saved
};

class Stream final : public Owned<Steinberg::IBStream>
{
public:
    explicit Stream (std::string content = {}) : bytes (std::move (content)) {}

    Steinberg::tresult PLUGIN_API read (void* buffer, Steinberg::int32 count,
                                        Steinberg::int32* done) override
    {
        const auto n = std::min (std::size_t (std::max (count, 0)), bytes.size() - at);
        std::memcpy (buffer, bytes.data() + at, n);
        at += n;
        if (done != nullptr)
            *done = Steinberg::int32 (n);
        return Steinberg::kResultOk;
    }
    Steinberg::tresult PLUGIN_API write (void* buffer, Steinberg::int32 count,
                                         Steinberg::int32* done) override
    {
        bytes.resize (std::max (bytes.size(), at + std::size_t (count)));
        std::memcpy (bytes.data() + at, buffer, std::size_t (count));
        at += std::size_t (count);
        if (done != nullptr)
            *done = count;
        return Steinberg::kResultOk;
    }
    Steinberg::tresult PLUGIN_API seek (Steinberg::int64 offset, Steinberg::int32 mode,
                                        Steinberg::int64* result) override
    {
        const auto size = Steinberg::int64 (bytes.size());
        const auto base = mode == kIBSeekSet   ? 0
                          : mode == kIBSeekCur ? Steinberg::int64 (at)
                                               : size;
        at = std::size_t (std::clamp<Steinberg::int64> (base + offset, 0, size));
        if (result != nullptr)
            *result = Steinberg::int64 (at);
        return Steinberg::kResultOk;
    }
    Steinberg::tresult PLUGIN_API tell (Steinberg::int64* position) override
    {
        *position = Steinberg::int64 (at);
        return Steinberg::kResultOk;
    }

    std::string bytes;

private:
    std::size_t at = 0;
};

/** One value of one parameter, at one sample of a block. */
class Change final : public Owned<Steinberg::Vst::IParamValueQueue>
{
public:
    Steinberg::Vst::ParamID PLUGIN_API getParameterId() override { return id; }
    Steinberg::int32 PLUGIN_API getPointCount() override { return 1; }
    Steinberg::tresult PLUGIN_API getPoint (Steinberg::int32, Steinberg::int32& sample,
                                            Steinberg::Vst::ParamValue& point) override
    {
        sample = offset;
        point = value;
        return Steinberg::kResultOk;
    }
    Steinberg::tresult PLUGIN_API addPoint (Steinberg::int32, Steinberg::Vst::ParamValue,
                                            Steinberg::int32&) override
    {
        return Steinberg::kResultFalse;
    }

    Steinberg::Vst::ParamID id = 0;
    double value = 0;
    Steinberg::int32 offset = 0;
};

/** What a block automates: one parameter, or none. */
class Changes final : public Owned<Steinberg::Vst::IParameterChanges>
{
public:
    Steinberg::int32 PLUGIN_API getParameterCount() override { return count; }
    Steinberg::Vst::IParamValueQueue* PLUGIN_API getParameterData (Steinberg::int32) override
    {
        return &change;
    }
    Steinberg::Vst::IParamValueQueue* PLUGIN_API addParameterData (const Steinberg::Vst::ParamID&,
                                                                   Steinberg::int32&) override
    {
        return nullptr;
    }

    Change change;
    Steinberg::int32 count = 0;
};

} // namespace stemlasso::hosting
