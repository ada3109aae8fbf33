"""Project files of finished jobs: read back by a public parser, and element by element."""

import hashlib
import json
from pathlib import Path

import numpy as np
import pytest
import rpp
import soundfile
from hypothesis import given
from hypothesis import strategies as st

from bridge.__main__ import main
from bridge.projects.rpp import quoted, word
from bridge.protocol.values import ClipOrigin, JobOptions

from .clips import write_clip
from .desk_driver import SPANS, driving
from .export_scene import RATE, dawproject, exported_rpp, make_session, values, write_manifest


@pytest.fixture
def session(tmp_path: Path) -> Path:
    return make_session(tmp_path)


def test_a_reaper_project_has_everything_in_its_place(session: Path) -> None:
    project = exported_rpp(session, session.parent / "stems.rpp", "--tempo", "97.5")
    assert values(project, "SAMPLERATE")[0] == str(RATE)
    assert values(project, "TEMPO") == ["97.5", "4", "4"]
    tracks = project.findall(".//TRACK")
    assert [values(track, "NAME") for track in tracks] == [
        ["Drums"],
        ["Loop 3 stems"],
        ['snare "hot"'],
        ["snare (residual)"],
    ]
    assert [values(track, "ISBUS") for track in tracks] == [
        ["0", "0"],
        ["1", "1"],
        ["0", "0"],
        ["2", "-1"],
    ]
    assert [values(track, "MUTESOLO")[0] for track in tracks] == ["1", "0", "0", "0"]
    assert values(tracks[2], "PEAKCOL") == [str(0x1000000 | 0xBC9B66)]
    for track in (tracks[0], *tracks[2:]):
        item = track.find("ITEM")
        (position,), (length,) = values(item, "POSITION"), values(item, "LENGTH")
        assert round(float(position) * RATE, 6) == 600_001
        assert round(float(length) * RATE, 6) == RATE
    files = [values(source, "FILE") for source in project.findall(".//SOURCE")]
    assert files == [["loop 3.wav"], ['snare "hot".wav'], ["take 2.wav"], ["rest.wav"]]
    (takes,) = [track.find("ITEM") for track in tracks if values(track, "NAME") == ['snare "hot"']]
    assert len(takes.findall("SOURCE")) == 2
    assert float(values(takes, "TAKEVOLPAN")[1]) == pytest.approx(10 ** (-6 / 20))


def test_an_export_elsewhere_names_whole_paths(session: Path, tmp_path: Path) -> None:
    project = exported_rpp(session, tmp_path / "a" / "x.rpp", "--without-original")
    files = [values(source, "FILE")[0] for source in project.findall(".//SOURCE")]
    assert len(files) == 3
    assert all(Path(file).is_absolute() and Path(file).is_file() for file in files)


def test_ids_are_unique_and_the_same_every_time(session: Path, tmp_path: Path) -> None:
    first = exported_rpp(session, tmp_path / "1.rpp")
    again = exported_rpp(session, tmp_path / "2.rpp")
    assert rpp.dumps(first) == rpp.dumps(again)
    items = first.findall(".//ITEM")
    ids = [values(item, tag)[0] for item in items for tag in ("IGUID", "GUID", "IID")]
    assert len(set(ids)) == len(ids)


@given(st.text(st.characters(exclude_categories=("Cs",)), max_size=20))
def test_any_name_can_be_read_back(text: str) -> None:
    controls = dict.fromkeys([*range(9), *range(14, 32), 127], " ")
    plain = " ".join(text.translate(controls).splitlines())
    wanted = plain.replace("`", "'") if {'"', "'", "`"} <= set(plain) else plain
    for line in (quoted(text), word(text)):
        assert values(rpp.loads(f"<TRACK\n  NAME {line}\n>\n"), "NAME") == [wanted]


def test_a_dawproject_has_everything_in_its_place(session: Path, tmp_path: Path) -> None:
    root, archive = dawproject(session, tmp_path / "stems.dawproject")
    with archive:
        assert root.tag == "Project"
        assert [each.tag for each in root] == [
            "Application",
            "Transport",
            "Structure",
            "Arrangement",
        ]
        (top,) = root.findall("Arrangement/Lanes")
        assert top.get("timeUnit") == "seconds"
        names = {each.get("id"): each.get("name") for each in root.iter("Track")}
        placed = {names[lane.get("track")]: lane.find("Clips/Clip") for lane in top}
        files = {
            "Drums": "loop 3.wav",
            'snare "hot"': 'snare "hot".wav',
            'snare "hot" take 2': "take 2.wav",
            "snare (residual)": "rest.wav",
        }
        assert list(placed) == list(files)
        for track, clip in placed.items():
            assert clip is not None
            assert round(float(clip.attrib["time"]) * RATE, 6) == 600_001
            assert clip.attrib["playStart"] == "0"
            audio = clip.find("Audio")
            assert audio is not None
            assert (audio.get("sampleRate"), audio.get("channels")) == (str(RATE), "2")
            file = audio.find("File")
            assert file is not None
            inside = hashlib.sha256(archive.read(file.attrib["path"])).hexdigest()
            own = (session.parent / files[track]).read_bytes()
            assert inside == hashlib.sha256(own).hexdigest()
    folder = next(each for each in root.iter("Track") if each.get("contentType") == "tracks")
    assert len(folder.findall("Track")) == 3
    muted = [
        each.get("name")
        for each in root.iter("Track")
        if (mute := each.find("Channel/Mute")) is not None and mute.get("value") == "true"
    ]
    assert muted == ["Drums", 'snare "hot" take 2']


def test_references_of_a_dawproject_lead_somewhere(session: Path, tmp_path: Path) -> None:
    root, archive = dawproject(session, tmp_path / "stems.dawproject")
    archive.close()
    ids = [each.attrib["id"] for each in root.iter() if "id" in each.attrib]
    assert len(ids) == len(set(ids)) > 20
    named_ids = {
        each.attrib[name]
        for each in root.iter()
        for name in ("track", "destination")
        if name in each.attrib
    }
    assert named_ids <= set(ids)
    channels = {each.get("id"): each.get("role") for each in root.iter("Channel")}
    destinations = {each.get("destination") for each in root.iter("Channel")} - {None}
    assert [channels[each] for each in destinations] == ["master"]


def test_what_lies_before_the_timeline_is_skipped(session: Path, tmp_path: Path) -> None:
    early = write_manifest(session.parent, -441)
    project = exported_rpp(early, tmp_path / "x.rpp")
    item = project.find(".//ITEM")
    assert values(item, "POSITION") == ["0"]
    assert values(item, "SOFFS") == ["0.01"]
    assert values(item, "LENGTH") == ["0.99"]
    root, archive = dawproject(early, tmp_path / "x.dawproject")
    archive.close()
    clip = next(root.iter("Clip"))
    given_values = [clip.attrib[name] for name in ("time", "playStart", "duration")]
    assert given_values == ["0", "0.01", "0.99"]


def test_files_of_one_name_stay_apart(session: Path, tmp_path: Path) -> None:
    other = tmp_path / "other"
    other.mkdir()
    soundfile.write(other / "REST.wav", np.ones((RATE, 2)) / 2, RATE, "PCM_16")
    content = json.loads(session.read_text("utf-8"))
    content["stems"][0]["file"] = str(other / "REST.wav")
    session.write_text(json.dumps(content), "utf-8")
    root, archive = dawproject(session, tmp_path / "x.dawproject")
    with archive:
        assert {"audio/REST.wav", "audio/rest 2.wav"} <= set(archive.namelist())
    assert root is not None


@pytest.fixture
def oddly_named(session: Path) -> Path:
    """The session's manifest, its original under a name that few formats can hold."""
    odd = session.parent / "say \"hot\" 'n' `x` \x07.wav"
    (session.parent / "loop 3.wav").rename(odd)
    content = json.loads(session.read_text("utf-8"))
    content["parent"] |= {"file": str(odd), "name": odd.stem, "track": "a\x00b\x1fc\ufffed"}
    session.write_text(json.dumps(content), "utf-8")
    return session


def test_a_dawproject_holds_any_name(oddly_named: Path, tmp_path: Path) -> None:
    root, archive = dawproject(oddly_named, tmp_path / "x.dawproject")
    with archive:
        assert "audio/say hot 'n' `x`.wav" in archive.namelist()
        assert {each.attrib["path"] for each in root.iter("File")} <= set(archive.namelist())
    assert next(root.iter("Track")).get("name") == "a b c d"


def test_what_no_reaper_project_can_name_is_refused(
    oddly_named: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    target = tmp_path / "x.rpp"
    assert main(["export", str(oddly_named), "--rpp", str(target)]) != 0
    assert "--without-original" in capsys.readouterr().err
    assert not target.exists()
    project = exported_rpp(oddly_named, target, "--without-original")
    assert len(project.findall(".//TRACK")) == 3


def test_a_folder_of_stems_with_their_manifest_may_be_moved(session: Path, tmp_path: Path) -> None:
    moved = tmp_path / "elsewhere"
    (moved / "stems").mkdir(parents=True)
    for path in session.parent.glob("*.wav"):
        path.rename(moved / "stems" / path.name if path.stem == "rest" else moved / path.name)
    session.rename(moved / "j1.timeline.json")
    project = exported_rpp(moved, moved / "x.rpp")
    files = [values(source, "FILE")[0] for source in project.findall(".//SOURCE")]
    assert files == ["loop 3.wav", 'snare "hot".wav', "take 2.wav", "stems/rest.wav"]
    (moved / "j2.timeline.json").write_bytes((moved / "j1.timeline.json").read_bytes())
    assert main(["export", str(moved), "--rpp", str(tmp_path / "y.rpp")]) == 21


def test_a_manifest_may_name_its_files_from_where_it_lies(session: Path, tmp_path: Path) -> None:
    content = json.loads(session.read_text("utf-8"))
    for each in (*content["stems"], content["parent"]):
        each["file"] = f"C:\\Songs\\{Path(each['file']).name}"
    session.write_text(json.dumps(content), "utf-8")
    project = exported_rpp(session.parent, tmp_path / "x.rpp")
    assert len(project.findall(".//SOURCE")) == 4


def test_what_cannot_be_exported_is_named(
    session: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    target = tmp_path / "x.rpp"
    home = ["--home", str(tmp_path / "home")]

    def refused(job: object, *options: str) -> tuple[int, str]:
        status = main(["export", str(job), *(options or ("--rpp", str(target))), *home])
        return status, capsys.readouterr().err

    assert refused("j404") == (21, refused("j404")[1])
    assert "job_not_found" in refused("j404")[1]
    assert "job_not_found" in refused(tmp_path)[1]
    target.write_text("mine", "utf-8")
    assert refused(session)[0] == 5
    assert target.read_text("utf-8") == "mine"
    assert refused(session, "--rpp", str(target), "--overwrite")[0] == 0
    target.unlink()
    for text in ("{", "[]", '{"manifest": "1.0"}', '{"manifest": "1.0", "stems": []}'):
        other = tmp_path / "bad.json"
        other.write_text(text, "utf-8")
        assert refused(other)[0] == 26
    other.write_text('{"manifest": "2.0"}', "utf-8")
    assert "version_mismatch" in refused(other)[1]
    (session.parent / "rest.wav").unlink()
    status, said = refused(session)
    assert (status, "stem_not_found" in said) == (21, True)
    assert not target.exists()
    assert refused(session, "--rpp", str(session.parent))[0] == 21
    for options in ([], ["--rpp", "x", "--tempo", "0"], ["--rpp", "x", "--server", "a"]):
        with pytest.raises(SystemExit):
            main(["export", str(session), *options])


def test_a_finished_job_is_exported_by_its_id(tmp_path: Path) -> None:
    home = tmp_path / "home"
    out = tmp_path / "my stems"
    options = JobOptions(separator="builtin", n_threads=1, output_folder=str(out))
    with driving(home / "store") as desk:
        clip = desk.put(
            write_clip(tmp_path / "loop.wav"), ClipOrigin(position_s=3.5, track="Drums")
        )
        done = desk.result(desk.submit(clip, SPANS, options))
    # by its id, by its folder in the store, and by the folder its stems were put into
    for number, job in enumerate((done.job_id, home / "store" / "jobs" / done.job_id, out)):
        target = tmp_path / f"{number}.rpp"
        assert main(["export", str(job), "--rpp", str(target), "--home", str(home)]) == 0
        project = rpp.loads(target.read_text("utf-8"))
        positions = [values(item, "POSITION") for item in project.findall(".//ITEM")]
        assert positions == [["3.5"]] * 3
