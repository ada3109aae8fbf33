"""The control surface: looks for commands and finished stems each tick. No threads, no sockets.

Live calls `update_display` about ten times a second on its own thread, the only one that may touch
the Set. All work is done there, a step at a time.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from . import placing, reading
from .exchange import Desk, read_settings

if TYPE_CHECKING:
    import Live

CONTROL_CHANGE = 0xB0
SEND_CONTROL, INSERT_CONTROL = 118, 119
_LOOK_EVERY_TICKS = 10
_MANIFESTS_PER_TICK = 20
_PRESSED = 64
_NO_WINDOW = 0x08000000  # subprocess.CREATE_NO_WINDOW, which other systems lack
_OF_THE_HOST = ("PYTHONHOME", "PYTHONPATH", "LD_LIBRARY_PATH", "LD_PRELOAD")


class Surface:
    """What Live needs of a control surface, and StemLasso's work."""

    def __init__(self, c_instance: Any, live: Any, folder: str | None = None) -> None:
        self._c_instance, self._live = c_instance, live
        settings = read_settings(folder or os.path.dirname(os.path.abspath(__file__)))
        self._command: list[str] = settings.get("command") or []
        self._desk = Desk(settings)
        self._asked: dict[str, bool] = {}
        self._originals: dict[str, Live.Clip.Clip] = {}
        self._queue: list[Iterator[str | None]] = []
        self._under_way: Any = None
        self._n_ticks = 0
        self.started: list[subprocess.Popen[bytes]] = []
        self._log(f"ready; store {os.path.dirname(self._desk.inbox)}")

    # What Live calls ---------------------------------------------------------------------------

    def update_display(self) -> None:
        """One tick: a step of what is under way, or a look for something to do."""
        self._n_ticks += 1
        try:
            if self._under_way is not None:
                self._step()
            elif self._queue:
                self._under_way = self._queue.pop(0)
            else:
                self._look()
        except Exception as error:  # an error that leaves here would take the script off
            self._under_way = None
            self._log(f"error: {type(error).__name__}: {error}")
            self._say("something went wrong; it is in Log.txt")

    def receive_midi(self, message: tuple[int, ...]) -> None:
        """A pad or knob: control 118 sends the selected clip to the panel, 119 inserts stems."""
        if len(message) == 3 and message[0] & 0xF0 == CONTROL_CHANGE and message[2] >= _PRESSED:
            if message[1] == SEND_CONTROL:
                self._queue.append(self._send({}))
            elif message[1] == INSERT_CONTROL:
                self._queue.append(self._insert_all())

    def build_midi_map(self, midi_map_handle: int) -> None:
        """Ask Live for the two controls, on every channel."""
        script = self._c_instance.handle()
        for channel in range(16):
            for control in (SEND_CONTROL, INSERT_CONTROL):
                self._live.MidiMap.forward_midi_cc(script, midi_map_handle, channel, control)

    def disconnect(self) -> None:
        """The Set is closed, or another surface was chosen."""
        if self._under_way is not None:
            try:
                self._under_way.close()  # ends its undo step
            except Exception as error:  # the Set may be gone already
                self._log(f"error: {type(error).__name__}: {error}")
        self._queue, self._under_way = [], None

    def can_lock_to_devices(self) -> bool:
        return False

    def connect_script_instances(self, instances: Any) -> None:
        pass

    def refresh_state(self) -> None:
        pass

    def suggest_input_port(self) -> str:
        return ""

    def suggest_output_port(self) -> str:
        return ""

    def suggest_map_mode(self, control: int, channel: int) -> int:
        return 0

    def instance_identifier(self) -> int:
        return int(self._c_instance.instance_identifier())

    # What it does ------------------------------------------------------------------------------

    @property
    def _song(self) -> Live.Song.Song:
        song: Live.Song.Song = self._c_instance.song()
        return song

    def _step(self) -> None:
        try:
            said = next(self._under_way)
            if said is not None:
                self._say(said)
        except StopIteration:
            self._under_way = None
        except (placing.NotPlaced, reading.Refused) as refusal:
            self._under_way = None
            self._say(str(refusal))
        except OSError as error:  # a full disk, a store that was never made
            self._under_way = None
            self._say(
                f"{error.filename or self._desk.inbox}: {error.strerror}. Is there room, and did "
                "StemLasso ever run? `stemlasso status` starts it"
            )

    def _look(self) -> None:
        command = self._desk.take_command()
        if command is not None:
            do = command.get("do")
            self._queue.append(self._insert_all() if do == "insert" else self._send(command))
        elif self._n_ticks % _LOOK_EVERY_TICKS == 0:
            for name in list(self._asked):
                self._look_after(name)

    def _send(self, command: dict[str, Any]) -> Iterator[str | None]:
        """Send the selected clip, or those of the selected track, one a tick.

        With a prompt they are separated, without one they are only shown.
        """
        if command.get("which") != "track":
            yield from self._send_clip(reading.selected_clip(self._song), command)
            return
        refused = []
        for clip in reading.track_clips(self._song):
            try:
                yield from self._send_clip(reading.checked(clip), command)
            except reading.Refused as refusal:
                refused.append(str(refusal))
            yield None
        if refused:
            yield "; ".join(refused)

    def _send_clip(self, clip: Live.Clip.Clip, command: dict[str, Any]) -> Iterator[None]:
        name = self._desk.new_name()
        beside_set = reading.set_folder(self._song)
        folder = os.path.join(beside_set, name) if beside_set else ""
        spool = os.path.join(self._desk.spool, name) if beside_set is None else ""
        sent, record, work = reading.describe(self._song, clip, folder or spool)
        record["mutes"] = bool(command.get("mute_original"))
        prompt = command.get("prompt")
        options = dict(command.get("options") or {})
        if prompt is not None:
            prompt = dict(prompt, spans=self._moved(prompt.get("spans") or [], clip, record))
            if folder:
                options.setdefault("output_folder", folder)
        yield from work
        self._desk.keep(name, record)
        try:
            self._desk.ask(name, sent, prompt, options)
        except OSError:
            self._desk.keep(name, None)
            raise
        self._asked[name] = prompt is not None
        self._originals[name] = clip
        self._run("status")  # starts the engine process when none runs
        self._say("'{}' is {}".format(sent["name"], "on its way" if prompt else "on the desk"))

    def _moved(
        self, spans: list[dict[str, Any]], clip: Live.Clip.Clip, record: dict[str, Any]
    ) -> list[dict[str, Any]]:
        """Spans after the clip's start, as spans of the file that is sent."""
        moved = []
        for span in spans:
            start_s, end_s = (
                reading.time_in_file(self._song, clip, record, span[name])
                for name in ("start_s", "end_s")
            )
            moved.append({"start_s": start_s, "end_s": end_s, "sign": span.get("sign", "+")})
        return moved

    def _look_after(self, name: str) -> None:
        answer = self._desk.answer(name)
        if not isinstance(answer, dict) or answer.get("state") == "queued":
            return
        if answer.get("state") == "done" and answer.get("manifest"):
            manifest = self._desk.manifest(answer["manifest"])
            if manifest is not None:
                self._queue.append(self._insert(manifest, name))
        elif answer.get("state") != "done":
            error = answer.get("error") or {}
            self._say("no stems: {}".format(error.get("message", "it was cancelled")))
            self._desk.keep(name, None)
        del self._asked[name]
        self._desk.forget_answer(name)

    def _insert_all(self) -> Iterator[str | None]:
        """Insert what is finished for this Set: made in the panel, or before Live was closed."""
        kept, n_found = self._desk.kept(), 0
        for number, manifest in enumerate(self._desk.manifests()):
            if number % _MANIFESTS_PER_TICK == _MANIFESTS_PER_TICK - 1:
                yield None
            if manifest is None:
                continue
            names = [name for name in kept if kept[name]["file"] == manifest["parent"]["file"]]
            own = reading.set_of(self._song)
            if names or (own and manifest.get("project") == own):
                n_found += 1
                yield from self._insert(manifest, names[-1] if names else None)
        if not n_found:
            self._say("nothing is finished for this Set")

    def _insert(self, manifest: dict[str, Any], name: str | None) -> Iterator[str | None]:
        record = self._desk.kept().get(name) if name is not None else None
        original = self._originals.get(name) if name is not None else None
        if original is not None and not _is_there(original):
            original = None
        if not placing.can_create_clips(self._version()):
            self._run("panel")  # its lanes can be dragged into Live
            self._say(placing.by_hand(self._song, manifest, record))
            self._desk.forget_manifest(manifest["job_id"])
            return
        yield from placing.place(self._live, self._song, manifest, record, original)
        self._desk.forget_manifest(manifest["job_id"])
        self._say(f"{len(manifest['stems'])} stems of '{manifest['group']}'")

    def _run(self, word: str) -> None:
        """Start `stemlasso WORD` without waiting for it, as a program of its own."""
        if not self._command:
            return
        environ = {name: os.environ[name] for name in os.environ if name not in _OF_THE_HOST}
        try:
            program = subprocess.Popen(
                [*self._command, word],
                env=environ,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                close_fds=True,
                start_new_session=sys.platform != "win32",
                creationflags=_NO_WINDOW if sys.platform == "win32" else 0,
            )
        except OSError as error:
            self._log(f"`stemlasso {word}` cannot be started: {error}")
            return
        # asked now and then whether it has ended, or it would be a zombie as long as Live runs
        self.started = [each for each in self.started if each.poll() is None]
        self.started.append(program)

    def _version(self) -> tuple[int, int, int]:
        application = self._live.Application.get_application()
        return (
            application.get_major_version(),
            application.get_minor_version(),
            application.get_bugfix_version(),
        )

    def _say(self, text: str) -> None:
        self._c_instance.show_message("StemLasso: " + text)
        self._log(text)

    def _log(self, text: str) -> None:
        self._c_instance.log_message("StemLasso: " + text)


def _is_there(clip: Live.Clip.Clip) -> bool:
    """Whether a clip that was kept is still in the Set; Live empties objects that are gone."""
    try:
        return clip is not None and clip.canonical_parent is not None
    except (RuntimeError, AttributeError):
        return False
