#include "FakeServer.h"
#include "Scratch.h"
#include "wire/MakeLink.h"

#include <catch2/catch.hpp>
#include <functional>

using namespace stemlasso::wire;

namespace
{
using Ms = std::chrono::milliseconds;

constexpr auto longEnough = std::chrono::seconds (60);

/** Waits until it is so; fails where it never is. */
void until (const std::function<bool()>& isSo)
{
    const auto deadline = Clock::now() + longEnough;
    while (! isSo() && Clock::now() < deadline)
        std::this_thread::sleep_for (Ms (2));
    REQUIRE (isSo());
}

Timing impatient()
{
    Timing timing;
    timing.look = timing.again = Ms (50);
    timing.quiet = Ms (300);
    timing.silent = Ms (600);
    timing.reply = Ms (60000); // what is counted here must not be sent twice by a busy computer
    timing.launch = Ms (1000);
    return timing;
}

struct Setting
{
    Scratch scratch;
    FakeServer server{ scratch.path };
    std::shared_ptr<EngineLink> link =
        makeLink ({ scratch.path / "run", scratch.path }, impatient());
    std::shared_ptr<Errand> errand =
        link->makeErrand ({ "/x.wav", "x", { "Host", "", "", 1.5, 72000, 120 } });

    bool isConnected() const { return link->view().state == LinkState::connected; }
    bool hasJob (JobState state) const
    {
        const auto view = errand->view();
        return view->job && view->job->state == state;
    }
    /** Events reach the link, and all that it asked for so far was answered. */
    void settle()
    {
        link->watch();
        until ([&] { return isConnected() && server.count ("events.subscribe") > 0; });
    }
};

int entries (const char* folder)
{
    int count = 0;
    for ([[maybe_unused]] const auto& each : std::filesystem::directory_iterator (folder))
        ++count;
    return count;
}
} // namespace

TEST_CASE ("nothing runs until something is asked for")
{
    Setting setting;
    CHECK (setting.link->view().state == LinkState::idle);
    CHECK (setting.errand->view()->revision == 0);
    std::this_thread::sleep_for (Ms (20));
    CHECK (setting.server.count ("hello") == 0);
}

TEST_CASE ("an errand goes its whole way, each step once")
{
    Setting setting;
    setting.errand->separate ({ "dog", { { 0.5, 1, true } } }, {});
    CHECK (setting.errand->view()->isWaiting);
    until ([&] { return setting.hasJob (JobState::running); });
    CHECK (setting.server.count ("clip.put") == 1);
    CHECK (setting.server.count ("job.submit") == 1);
    CHECK (setting.errand->clipId() == "c1");
    CHECK (setting.errand->jobId() == "j1");
    CHECK (setting.link->view().serverVersion == "9.9");
    setting.settle();
    const auto folder = setting.scratch.path / "store" / "j1";
    const Map stem{ { "role", "target" },
                    { "name", "t" },
                    { "path", (folder / "t.wav").string() } };
    const Map result{ { "folder", folder.string() }, { "stems", List{ stem } } };
    // Told again until it is heard: subscribing takes a moment.
    until (
        [&]
        {
            setting.server.publish ("job.done", 1,
                                    Map{ { "job", FakeServer::job ("j1", "done", result) } });
            std::this_thread::sleep_for (Ms (20));
            return setting.hasJob (JobState::done);
        });
    const auto view = setting.errand->view();
    REQUIRE (view->job->result);
    CHECK (view->job->result->stems.at (0).path == (folder / "t.wav").string());
    CHECK (view->job->result->notices.empty());
    CHECK_FALSE (view->isWaiting);
    // What is over stays over, whatever comes late.
    setting.server.publish ("job.started", 2, Map{ { "job", FakeServer::job ("j1", "running") } });
    std::this_thread::sleep_for (Ms (100));
    CHECK (setting.hasJob (JobState::done));
}

TEST_CASE ("stems that lie elsewhere are not used")
{
    Setting setting;
    const auto stem = [] (const char* path)
    { return Value (Map{ { "role", "target" }, { "name", "t" }, { "path", path } }); };
    const Map result{ { "folder", "/store/j1" },
                      { "manifest_path", "/etc/manifest.json" },
                      { "stems",
                        List{ stem ("/store/j1/stems/a.wav"), stem ("/etc/passwd"),
                              stem ("/store/j1/../../etc/passwd"), stem ("/store/j10/a.wav"),
                              stem ("relative.wav"), stem ("/asked/b.wav") } } };
    setting.server.answer ("job.get", [=] (const Value&)
                           { return Map{ { "job", FakeServer::job ("j1", "done", result) } }; });
    JobOptions options;
    options.outputFolder = "/asked";
    setting.errand->separate ({ "dog", {} }, options);
    until ([&] { return setting.hasJob (JobState::done); });
    const auto found = *setting.errand->view()->job->result;
    std::vector<std::string> paths;
    for (const auto& each : found.stems)
        paths.push_back (each.path);
    CHECK (paths
           == std::vector<std::string>{ "/store/j1/stems/a.wav", "", "", "", "", "/asked/b.wav" });
    CHECK (found.manifestPath == "");
    REQUIRE (found.notices.size() == 4);
    CHECK (found.notices[0].code == "path_refused");
    CHECK_THAT (found.notices[0].message, Catch::Contains ("/etc/passwd"));
}

TEST_CASE ("a gap in the numbers of events is asked about")
{
    Setting setting;
    setting.errand->separate ({ "dog", {} }, {});
    until ([&] { return setting.hasJob (JobState::running); });
    setting.settle();
    setting.server.answer ("job.get", [] (const Value&)
                           { return Map{ { "job", FakeServer::job ("j1", "failed") } }; });
    const Value progress = Map{ { "job_id", "another" }, { "progress", Map{} } };
    std::int64_t number = 0;
    until (
        [&]
        {
            setting.server.publish ("job.progress", number += 2, progress);
            std::this_thread::sleep_for (Ms (20));
            return setting.hasJob (JobState::failed);
        });
}

TEST_CASE ("a server that has no time is asked again, one that refuses is not")
{
    Setting setting;
    setting.server.refuse ("clip.put", "server_busy", 2);
    setting.server.refuse ("job.submit", "too_many_requests", 1);
    setting.errand->separate ({ "dog", {} }, {});
    until ([&] { return setting.hasJob (JobState::running); });
    CHECK (setting.server.count ("clip.put") == 3);
    CHECK (setting.server.count ("job.submit") == 2);
    // Sent again it has the same number, so that it is the same job.
    const auto sent = setting.server.bodies ("job.submit");
    CHECK (*sent[0].find ("submission_id") == *sent[1].find ("submission_id"));

    setting.server.refuse ("job.submit", "prompt_invalid", 1);
    setting.errand->separate ({ "", {} }, {});
    until ([&] { return setting.errand->view()->problem.has_value(); });
    CHECK (setting.errand->view()->problem->code == "prompt_invalid");
    CHECK_FALSE (setting.errand->view()->isWaiting);
    CHECK (setting.server.count ("job.submit") == 3);
}

TEST_CASE ("a clip that is gone is put again")
{
    Setting setting;
    setting.server.refuse ("job.submit", "clip_not_found", 1);
    setting.errand->separate ({ "dog", {} }, {});
    until ([&] { return setting.hasJob (JobState::running); });
    CHECK (setting.server.count ("clip.put") == 2);
    CHECK (setting.server.count ("job.submit") == 2);

    // Not for ever, though.
    setting.server.refuse ("job.submit", "clip_not_found", 1000);
    setting.errand->separate ({ "dog", {} }, {});
    until ([&] { return setting.errand->view()->problem.has_value(); });
    CHECK (setting.server.count ("job.submit") < 10);
}

TEST_CASE ("a clip whose answer never came is looked for before it is put again")
{
    // none: an engine before wire 1.2, which keeps no tempo
    const auto tempo = GENERATE (std::optional<double> (120), std::optional<double>());
    Setting setting;
    setting.server.refuse ("clip.put", "request_expired", 1);
    const auto there = Map{ { "clip_id", "c7" },
                            { "name", "x" },
                            { "path", "/x.wav" },
                            { "origin", bodies::origin ({ "Host", "", "", 1.5, 72000, tempo }) } };
    const auto elsewhere = Map{ { "clip_id", "c8" }, { "name", "x" }, { "path", "/x.wav" } };
    setting.server.answer (
        "clip.list", [=] (const Value&)
        { return Map{ { "clips", List{ elsewhere, there } }, { "total", 2 } }; });
    setting.errand->offer();
    until ([&] { return setting.errand->view()->clip.has_value(); });
    CHECK (setting.errand->clipId() == "c7");
    CHECK (setting.server.count ("clip.put") == 1);
}

TEST_CASE ("a clip that never arrived is put again after a while")
{
    Setting setting;
    setting.server.refuse ("clip.put", "request_expired", 1);
    setting.errand->offer();
    until ([&] { return setting.errand->view()->clip.has_value(); });
    CHECK (setting.server.count ("clip.put") == 2);
    CHECK (setting.server.count ("clip.list") >= 1);
}

TEST_CASE ("a server that hangs is told, and what was asked is done when it goes on")
{
    Setting setting;
    setting.settle();
    setting.server.hang (true);
    setting.errand->separate ({ "dog", {} }, {});
    until ([&] { return setting.link->view().state == LinkState::silent; });
    CHECK_THAT (setting.link->view().words, Catch::Contains ("does not answer"));
    setting.server.hang (false);
    until ([&] { return setting.hasJob (JobState::running) && setting.isConnected(); });
    CHECK (setting.server.count ("clip.put") == 1);
}

TEST_CASE ("a server that hangs while nothing is asked is noticed")
{
    Setting setting;
    setting.settle();
    setting.server.hang (true);
    until ([&] { return setting.link->view().state == LinkState::silent; });
    setting.server.hang (false);
    until ([&] { return setting.isConnected(); });
}

TEST_CASE ("a message beyond the limit is not taken in, and the link goes on")
{
    Setting setting;
    setting.server.answer ("clip.put",
                           [] (const Value&)
                           {
                               return Map{ { "clip", FakeServer::clip ("c1", "/x.wav") },
                                           { "more", std::string (mostFrameBytes, 'x') } };
                           });
    setting.errand->offer();
    until ([&] { return setting.server.count ("hello") > 1; }); // the connection was closed
    CHECK_FALSE (setting.errand->view()->clip);
    setting.server.answer ("clip.put", {});
    until ([&] { return setting.errand->view()->clip.has_value(); });
}

TEST_CASE ("a server of another major is refused in words")
{
    Setting setting;
    setting.server.setMajor (3);
    setting.link->watch();
    until ([&] { return setting.link->view().state == LinkState::refused; });
    CHECK_THAT (setting.link->view().words, Catch::Contains ("3.1") && Catch::Contains ("1.1"));
}

TEST_CASE ("a restored errand asks what became of it")
{
    Setting setting;
    auto again = setting.link->restoreErrand ({ "/x.wav", "x", {} }, "c5", "j5");
    CHECK (again->clipId() == "c5");
    CHECK (again->jobId() == "j5");
    until ([&] { return again->view()->job && again->view()->clip; });
    CHECK (again->view()->job->jobId == "j5");
    CHECK (setting.server.count ("clip.put") == 0);

    // By its number, because the first errand may be asked for once more at any time.
    const auto isLost = [] (const Value& body, const char* field, const char* id)
    { return *body.find (field)->text() == id; };
    const auto gone = [] (const char* code)
    { return Map{ { "code", code }, { "message", "as the test wants it" } }; };
    setting.server.answer ("clip.get",
                           [=] (const Value& body)
                           {
                               return isLost (body, "clip_id", "c6")
                                          ? gone ("clip_not_found")
                                          : Map{ { "clip", FakeServer::clip ("c5", "/x.wav") } };
                           });
    setting.server.answer ("job.get",
                           [=] (const Value& body)
                           {
                               return isLost (body, "job_id", "j6")
                                          ? gone ("job_not_found")
                                          : Map{ { "job", FakeServer::job ("j5", "running") } };
                           });
    auto lost = setting.link->restoreErrand ({ "/x.wav", "x", {} }, "c6", "j6");
    until ([&] { return lost->clipId().empty() && lost->jobId().empty(); });
    CHECK_FALSE (lost->view()->problem);
    lost->separate ({ "dog", {} }, {});
    until ([&] { return lost->view()->job.has_value(); });
    CHECK (setting.server.count ("clip.put") == 1);
}

TEST_CASE ("cancelling before and after a job is known")
{
    Setting setting;
    setting.server.refuse ("clip.put", "server_busy", 1000000);
    setting.errand->separate ({ "dog", {} }, {});
    until ([&] { return setting.server.count ("clip.put") > 0; });
    setting.errand->cancel();
    until ([&] { return setting.hasJob (JobState::cancelled); });
    CHECK_FALSE (setting.errand->view()->isWaiting);
    CHECK (setting.server.count ("job.submit") == 0);
    setting.server.refuse ("clip.put", "", 0);
    setting.errand->separate ({ "cat", {} }, {});
    until ([&] { return setting.hasJob (JobState::running); });
    setting.errand->cancel();
    until ([&] { return setting.hasJob (JobState::cancelled); });
    CHECK (setting.server.count ("job.cancel") == 1);
    CHECK_FALSE (setting.errand->view()->isWaiting);
}

TEST_CASE ("handles may be let go of in any order, from any thread")
{
    Setting setting;
    std::vector<std::thread> threads;
    for (int number = 0; number < 8; ++number)
        threads.emplace_back (
            [&setting, link = setting.link]
            {
                for (int turn = 0; turn < 20; ++turn)
                {
                    auto errand = link->makeErrand ({ "/y.wav", "y", {} });
                    errand->separate ({ "dog", {} }, {});
                    errand->view();
                    link->view();
                    errand->cancel();
                    if (turn % 2 == 0)
                        std::this_thread::sleep_for (Ms (1));
                }
                setting.server.count ("hello");
            });
    setting.link.reset();
    for (auto& each : threads)
        each.join();
    setting.errand->separate ({ "dog", {} }, {});
    until ([&] { return setting.hasJob (JobState::running); });
    setting.errand.reset();
}

TEST_CASE ("a hundred links leave no thread and no descriptor behind")
{
    Scratch scratch;
    FakeServer server (scratch.path);
    const auto once = [&] (bool isThere)
    {
        const auto folder = isThere ? scratch.path : scratch.path / "nowhere";
        auto link = makeLink ({ folder / "run", folder }, impatient());
        auto errand = link->restoreErrand ({ "/x.wav", "x", {} }, "c1", "");
        link->watch();
        const auto wanted = isThere ? LinkState::connected : LinkState::absent;
        until ([&] { return link->view().state == wanted; });
    };
    once (true); // what libraries keep for a process's life is there now
    const auto threads = entries ("/proc/self/task");
    const auto isAsBefore = [threads] { return entries ("/proc/self/task") <= threads; };
    until (isAsBefore);
    const auto descriptors = entries ("/proc/self/fd");
    for (int cycle = 0; cycle < 50; ++cycle)
    {
        once (true);
        once (false);
    }
    until (isAsBefore);
    // The server's side of a connection is closed a moment later.
    until ([&] { return entries ("/proc/self/fd") <= descriptors; });
}

TEST_CASE ("the link of a process is one, and ends with its last user")
{
    auto first = EngineLink::shared();
    CHECK (EngineLink::shared() == first);
    std::weak_ptr<EngineLink> seen = first;
    auto errand = first->makeErrand ({ "/x.wav", "x", {} });
    first.reset();
    CHECK_FALSE (seen.expired()); // an errand is a use of it
    errand.reset();
    CHECK (seen.expired());
}
