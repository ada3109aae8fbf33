"""Where sound goes: a device through PortAudio, or a clock that throws it away."""

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

Fill = Callable[[NDArray[np.float32]], None]
"""Called for every block with an array [n, 2] to fill; must not wait."""


@dataclass(frozen=True, slots=True)
class StreamSpec:
    """device: by name; empty for the system's own."""

    sample_rate: int
    block_samples: int
    n_channels: int
    device: str = ""


class Stream(Protocol):
    """A running output. latency_s: from the callback to the ear."""

    latency_s: float

    def stop(self) -> None:
        """End it; afterwards the callback is not called any more."""


OpenStream = Callable[[StreamSpec, Fill], Stream]


class NoSoundDevice(Exception):
    """There is no device, or it does not take this rate; the message says which."""


class DeviceStream:
    """PortAudio's output."""

    def __init__(self, stream: Any) -> None:
        self._stream = stream
        self.latency_s = float(stream.latency)

    def stop(self) -> None:
        """Stop at once and close."""
        self._stream.abort()
        self._stream.close()


def open_device(spec: StreamSpec, fill: Fill) -> Stream:
    """Start an output on a device. Raises NoSoundDevice."""
    try:
        import sounddevice

        def callback(out: NDArray[np.float32], *_: object) -> None:
            fill(out)

        stream = sounddevice.OutputStream(
            samplerate=spec.sample_rate,
            blocksize=spec.block_samples,
            channels=spec.n_channels,
            dtype="float32",
            device=spec.device or None,
            callback=callback,
        )
        stream.start()
    except OSError as error:
        raise NoSoundDevice(f"PortAudio is not installed ({error})") from error
    except (ValueError, sounddevice.PortAudioError) as error:
        where = spec.device or "the system's output"
        raise NoSoundDevice(f"{where} at {spec.sample_rate} Hz: {error}") from error
    return DeviceStream(stream)


def devices() -> list[str]:
    """Names of outputs, empty when there is none or no PortAudio."""
    try:
        import sounddevice

        found = sounddevice.query_devices()
    except OSError:
        return []
    return [each["name"] for each in found if each["max_output_channels"] > 0]


class ClockStream:
    """Plays to nobody, at the pace of a clock: the playhead moves where there is no device."""

    latency_s = 0.0

    def __init__(self, spec: StreamSpec, fill: Fill) -> None:
        self._spec = spec
        self._fill = fill
        self._is_stopped = threading.Event()
        self._thread = threading.Thread(target=self._run, name="clock", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """End it."""
        self._is_stopped.set()
        self._thread.join(5)

    def _run(self) -> None:
        block = np.zeros((self._spec.block_samples, self._spec.n_channels), np.float32)
        period_s = self._spec.block_samples / self._spec.sample_rate
        due_s = time.monotonic()
        while not self._is_stopped.wait(max(due_s - time.monotonic(), 0)):
            self._fill(block)
            due_s += period_s
