"""The control surface: looks for commands and finished stems each tick. No threads, no sockets.

Live calls `update_display` about ten times a second on its own thread, the only one that may touch
the Set. All work is done there, a step at a time.
"""

import os
import subprocess

from . import placing, reading
from .exchange import Desk, read_settings

CONTROL_CHANGE = 0xB0
SEND_CONTROL, INSERT_CONTROL = 118, 119
_LOOK_EVERY_TICKS = 10
_PRESSED = 64


class Surface:
    """What Live needs of a control surface, and StemLasso's work."""

    def __init__(self, c_instance, live, folder=None):
        self._c_instance, self._live = c_instance, live
        settings = read_settings(folder or os.path.dirname(os.path.abspath(__file__)))
        self._command = settings.get("command") or []
        self._desk = Desk(settings)
        self._asked = {}
        self._originals = {}
        self._queue = []
        self._under_way = None
        self._n_ticks = 0
        self._log(f"ready; store {os.path.dirname(self._desk.inbox)}")

    # What Live calls ---------------------------------------------------------------------------

    def update_display(self):
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

    def receive_midi(self, message):
        """A pad or knob: control 118 sends the selected clip to the panel, 119 inserts stems."""
        if len(message) == 3 and message[0] & 0xF0 == CONTROL_CHANGE and message[2] >= _PRESSED:
            if message[1] == SEND_CONTROL:
                self._queue.append(self._send({}))
            elif message[1] == INSERT_CONTROL:
                self._queue.append(self._insert_all())

    def build_midi_map(self, midi_map_handle):
        """Ask Live for the two controls, on every channel."""
        script = self._c_instance.handle()
        for channel in range(16):
            for control in (SEND_CONTROL, INSERT_CONTROL):
                self._live.MidiMap.forward_midi_cc(script, midi_map_handle, channel, control)

    def disconnect(self):
        """The Set is closed, or another surface was chosen."""
        if self._under_way is not None:
            self._under_way.close()  # ends its undo step
        self._queue, self._under_way = [], None

    def can_lock_to_devices(self):
        return False

    def connect_script_instances(self, instances):
        pass

    def refresh_state(self):
        pass

    def suggest_input_port(self):
        return ""

    def suggest_output_port(self):
        return ""

    def suggest_map_mode(self, control, channel):
        return 0

    def instance_identifier(self):
        return self._c_instance.instance_identifier()

    # What it does ------------------------------------------------------------------------------

    @property
    def _song(self):
        return self._c_instance.song()

    def _step(self):
        try:
            said = next(self._under_way)
            if said is not None:
                self._say(said)
        except StopIteration:
            self._under_way = None
        except (placing.NotPlaced, reading.Refused) as refusal:
            self._under_way = None
            self._say(str(refusal))

    def _look(self):
        command = self._desk.take_command()
        if command is not None:
            do = command.get("do")
            self._queue.append(self._insert_all() if do == "insert" else self._send(command))
        elif self._n_ticks % _LOOK_EVERY_TICKS == 0:
            for name in list(self._asked):
                self._look_after(name)

    def _send(self, command):
        """Send the selected clip, or those of the selected track, one a tick.

        With a prompt they are separated, without one they are only shown.
        """
        if command.get("which") != "track":
            self._send_clip(reading.selected_clip(self._song), command)
            yield
            return
        refused = []
        for clip in reading.track_clips(self._song):
            try:
                self._send_clip(reading.checked(clip), command)
            except reading.Refused as refusal:
                refused.append(str(refusal))
            yield
        if refused:
            yield "; ".join(refused)

    def _send_clip(self, clip, command):
        name = self._desk.new_name()
        folder = reading.set_folder(self._song)
        folder = os.path.join(folder, name) if folder else ""
        sent, record = reading.describe(self._song, clip, folder)
        record["mutes"] = bool(command.get("mute_original"))
        prompt = command.get("prompt")
        options = dict(command.get("options") or {})
        if prompt is not None:
            prompt = dict(prompt, spans=self._moved(prompt.get("spans") or [], clip, record))
            if folder:
                options.setdefault("output_folder", folder)
        self._desk.keep(name, record)
        try:
            self._desk.ask(name, sent, prompt, options)
        except OSError:
            self._desk.keep(name, None)
            raise
        self._asked[name] = prompt is not None
        self._originals[name] = clip
        self._say("'{}' is {}".format(sent["name"], "on its way" if prompt else "on the desk"))

    def _moved(self, spans, clip, record):
        """Spans after the clip's start, as spans of the file that is sent."""
        moved = []
        for span in spans:
            start_s, end_s = (
                reading.time_in_file(self._song, clip, record, span[name])
                for name in ("start_s", "end_s")
            )
            moved.append({"start_s": start_s, "end_s": end_s, "sign": span.get("sign", "+")})
        return moved

    def _look_after(self, name):
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

    def _insert_all(self):
        """Insert what is finished for this Set: made in the panel, or before Live was closed."""
        kept, n_found = self._desk.kept(), 0
        for manifest in list(self._desk.manifests()):
            names = [name for name in kept if kept[name]["file"] == manifest["parent"]["file"]]
            own = getattr(self._song, "file_path", "")
            if names or (own and manifest.get("project") == own):
                n_found += 1
                yield from self._insert(manifest, names[-1] if names else None)
        if not n_found:
            self._say("nothing is finished for this Set")

    def _insert(self, manifest, name):
        record, original = self._desk.kept().get(name), self._originals.get(name)
        if original is not None and not _is_there(original):
            original = None
        if not placing.can_create_clips(self._version()):
            self._show_files()
            self._say(placing.by_hand(self._song, manifest, record))
            self._desk.forget_manifest(manifest["job_id"])
            return
        yield from placing.place(self._live, self._song, manifest, record, original)
        self._desk.forget_manifest(manifest["job_id"])
        self._say(f"{len(manifest['stems'])} stems of '{manifest['group']}'")

    def _show_files(self):
        """Open the panel, whose lanes can be dragged into Live."""
        if self._command:
            try:
                subprocess.Popen([*self._command, "panel"], close_fds=True)
            except OSError as error:
                self._log(f"the panel cannot be opened: {error}")

    def _version(self):
        application = self._live.Application.get_application()
        return (
            application.get_major_version(),
            application.get_minor_version(),
            application.get_bugfix_version(),
        )

    def _say(self, text):
        self._c_instance.show_message("StemLasso: " + text)
        self._log(text)

    def _log(self, text):
        self._c_instance.log_message("StemLasso: " + text)


def _is_there(clip):
    """Whether a clip that was kept is still in the Set; Live empties objects that are gone."""
    try:
        return clip is not None and clip.canonical_parent is not None
    except (RuntimeError, AttributeError):
        return False
