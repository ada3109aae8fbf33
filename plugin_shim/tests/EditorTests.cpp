// What the editor wants of keys, says to a screen reader and survives.

#include "EditorStage.h"

#define CATCH_CONFIG_RUNNER
#include <catch2/catch.hpp>

#include <filesystem>
#include <random>
#include <set>
#include <thread>

using namespace stemlasso;
using namespace stemlasso::tests;

using juce::AccessibilityRole;
using juce::KeyPress;

TEST_CASE ("Space is the host's wherever nothing is written")
{
    EditorStage stage (true, true);
    const KeyPress space (KeyPress::spaceKey, {}, ' ');
    for (const auto* id : { "editor", "capture", "clips", "strip", "how", "separate", "panel",
                            "stem 0", "insert", "use" })
    {
        INFO (id);
        CHECK_FALSE (stage.press (id, space));
    }
    CHECK (stage.press ("description", space));
    CHECK (stage.press ("description", KeyPress ('x', {}, 'x'))); // no shortcut of a host's
    CHECK (
        comes ([&] { return stage.plugin().work().selected()->prompt.description.size() == 7; }));
}

TEST_CASE ("Escape and Enter leave the description")
{
    EditorStage stage;
    for (const auto code : { KeyPress::escapeKey, KeyPress::returnKey })
    {
        CHECK (stage.press ("description", KeyPress (code)));
        CHECK (comes ([&] { return ! stage.part ("description").hasKeyboardFocus (true); }));
    }
}

TEST_CASE ("REAPER's buttons and settings are shown in REAPER alone")
{
    for (const auto inReaper : { false, true })
    {
        EditorStage stage (inReaper, true);
        REQUIRE (comes ([&] { return stage.editor().isShowing(); }));
        CHECK (stage.isShown ("stem 1"));
        for (const auto* id : { "use", "insert", "mute", "takes" })
            CHECK (stage.isShown (id) == inReaper);
    }
}

TEST_CASE ("a setting and its parameter are one thing")
{
    EditorStage stage (true, true);
    auto& reaper = stage.plugin().reaper();
    const std::pair<const char*, juce::AudioParameterBool*> settings[] = {
        { "mute", &reaper.muteOriginal() }, { "takes", &reaper.insertTakes() }
    };
    for (const auto& [id, parameter] : settings)
    {
        INFO (id);
        const auto isOn = [&]
        { return dynamic_cast<juce::Button&> (stage.part (id)).getToggleState(); };
        for (const auto value : { true, false })
        {
            std::thread ([&] { parameter->setValueNotifyingHost (value ? 1.0f : 0.0f); }).join();
            CHECK (comes ([&] { return isOn() == value; }));
        }
        for (const auto code : { KeyPress::spaceKey, KeyPress::returnKey })
        {
            const auto before = parameter->get();
            CHECK (stage.press (id, KeyPress (code)));
            CHECK (parameter->get() != before);
        }
    }
}

TEST_CASE ("a screen reader finds a name and a kind for everything that takes keys")
{
    EditorStage stage (true, true);
    REQUIRE (stage.isShown ("takes"));
    onMessages (
        [&]
        {
            const std::map<juce::String, AccessibilityRole> roles{
                { "capture", AccessibilityRole::toggleButton },
                { "mute", AccessibilityRole::toggleButton },
                { "takes", AccessibilityRole::toggleButton },
                { "clips", AccessibilityRole::list },
                { "strip", AccessibilityRole::image },
                { "description", AccessibilityRole::editableText },
                { "how", AccessibilityRole::button },
                { "separate", AccessibilityRole::button },
                { "prompt", AccessibilityRole::staticText },
                { "stem 0", AccessibilityRole::listItem },
                { "all", AccessibilityRole::image },
            };
            auto found = 0;
            for (auto* each : stage.parts())
            {
                auto* handler = each->getAccessibilityHandler();
                INFO (each->getComponentID() << " " << typeid (*each).name());
                if (const auto wanted = roles.find (each->getComponentID()); wanted != roles.end())
                {
                    ++found;
                    REQUIRE (handler != nullptr);
                    CHECK (handler->getRole() == wanted->second);
                }
                if (! each->getWantsKeyboardFocus() || each == &stage.editor())
                    continue;
                REQUIRE (handler != nullptr);
                CHECK (handler->getTitle().isNotEmpty());
                CHECK (handler->getRole() != AccessibilityRole::unspecified);
            }
            CHECK (found == int (roles.size()));
        });
}

/** Of WCAG: 1 for the same, 21 for black on white. */
static double contrast (juce::Colour one, juce::Colour other)
{
    const auto luminance = [] (juce::Colour colour)
    {
        const auto linear = [] (float value)
        { return value <= 0.04045f ? value / 12.92 : std::pow ((value + 0.055) / 1.055, 2.4); };
        return 0.2126 * linear (colour.getFloatRed()) + 0.7152 * linear (colour.getFloatGreen())
               + 0.0722 * linear (colour.getFloatBlue());
    };
    const auto a = luminance (one) + 0.05, b = luminance (other) + 0.05;
    return std::max (a, b) / std::min (a, b);
}

TEST_CASE ("all that is written can be read")
{
    for (const auto& ground :
         { colours::ground, colours::panel, colours::raised, colours::hover, colours::canvas })
        for (const auto& words : { colours::text, colours::dim, colours::warning, colours::minus,
                                   colours::plus, colours::accent })
            CHECK (contrast (words, ground) >= 4.5);
    CHECK (contrast (colours::onAccent, colours::accent) >= 4.5);
}

namespace
{
/** Random events, as a peer gets them from the system. */
class Monkey
{
public:
    explicit Monkey (EditorStage& stageToUse, unsigned seed) : stage (stageToUse), random (seed) {}

    void act()
    {
        auto& editor = stage.editor();
        auto* peer = editor.getPeer();
        const auto dice = some (100);
        if (dice < 55)
            mouse (*peer);
        else if (dice < 85)
            type (*peer);
        else if (dice < 90)
        {
            juce::MouseWheelDetails wheel{ 0, float (some (200) - 100) / 100, false, true, false };
            peer->handleMouseWheel (juce::MouseInputSource::InputSourceType::mouse, place(), now(),
                                    wheel);
        }
        else if (dice < 93)
            editor.setSize (680 + some (900), 440 + some (500));
        else if (dice < 96)
            stage.plugin().arm() = some (2) == 0;
        else if (dice < 98)
            stage.plugin().reaper().insertTakes() = some (2) == 0;
        else
            juce::PopupMenu::dismissAllActiveMenus();
    }

private:
    int some (int n) { return int (random() % unsigned (n)); }
    static juce::int64 now() { return juce::Time::currentTimeMillis(); }

    juce::Point<float> place()
    {
        const auto parts = stage.parts();
        const auto* part = parts[size_t (some (int (parts.size())))];
        const juce::Point at{ some (std::max (part->getWidth(), 1)),
                              some (std::max (part->getHeight(), 1)) };
        return stage.editor().getLocalPoint (part, at).toFloat();
    }

    void mouse (juce::ComponentPeer& peer)
    {
        using Keys = juce::ModifierKeys;
        const int buttons[] = { Keys::leftButtonModifier, Keys::rightButtonModifier,
                                Keys::middleButtonModifier };
        const int keys[] = { 0, 0, Keys::altModifier, Keys::ctrlModifier, Keys::shiftModifier };
        const auto held = keys[some (5)];
        const auto pressed = buttons[some (3)] | held;
        const auto give = [&] (int mods)
        {
            peer.handleMouseEvent (juce::MouseInputSource::InputSourceType::mouse, place(),
                                   Keys (mods), 0, 0, now());
        };
        give (held);
        give (pressed);
        for (auto i = some (4); --i >= 0;)
            give (pressed);
        give (held);
    }

    void type (juce::ComponentPeer& peer)
    {
        const int codes[] = { KeyPress::tabKey,    KeyPress::returnKey, KeyPress::escapeKey,
                              KeyPress::deleteKey, KeyPress::leftKey,   KeyPress::rightKey,
                              KeyPress::upKey,     KeyPress::downKey,   KeyPress::spaceKey };
        const juce::String letters ("xad[]+-fz é→");
        const int mods[] = { 0,
                             0,
                             0,
                             juce::ModifierKeys::shiftModifier,
                             juce::ModifierKeys::commandModifier,
                             juce::ModifierKeys::altModifier };
        const auto letter = letters[some (letters.length())];
        peer.handleKeyPress (some (2) == 0 ? KeyPress (codes[some (9)], mods[some (6)], 0)
                                           : KeyPress (int (letter), mods[some (6)], letter));
    }

    EditorStage& stage;
    std::mt19937 random;
};

std::size_t threads()
{
    const std::filesystem::directory_iterator all ("/proc/self/task");
    return std::size_t (std::distance (begin (all), end (all)));
}
} // namespace

static int monkeyEvents = 3000;

TEST_CASE ("a monkey at mouse and keys breaks nothing and leaves no thread")
{
    {
        EditorStage once (true, true);
    } // what stays for good is there
    const auto before = threads();
    for (unsigned seed = 1; seed <= 3; ++seed)
    {
        INFO ("seed " << seed);
        EditorStage stage (seed != 2, seed != 3);
        Monkey monkey (stage, seed);
        for (int i = 0; i < monkeyEvents / 3; ++i)
            onMessages ([&] { monkey.act(); });
        CHECK (comes ([&] { return stage.editor().isShowing(); }));
    }
    CHECK (comes ([&] { return threads() <= before; }));
}

int main (int count, char** words)
{
    const juce::ScopedJuceInitialiser_GUI initialised;
    Catch::Session session;
    session.cli (session.cli()
                 | Catch::clara::Opt (monkeyEvents, "events")["--monkey"]("events of the monkey"));
    if (const auto refused = session.applyCommandLine (count, words); refused != 0)
        return refused;
    auto failed = 0;
    std::thread tests (
        [&]
        {
            failed = session.run();
            juce::MessageManager::getInstance()->stopDispatchLoop();
        });
    juce::MessageManager::getInstance()->runDispatchLoop();
    tests.join();
    return failed;
}
