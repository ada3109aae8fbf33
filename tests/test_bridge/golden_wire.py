"""The golden messages of tests/data/wire: what every implementation must read and write.

    python tests/test_bridge/golden_wire.py     writes them anew

One file a message: each frame as its length (4 bytes, big-endian) and its bytes. `index.json` says
what each of them means. Messages of an earlier minor keep the prologue that they were first written
with: `SINCE` names those that are newer than 1.0.
"""

import json
import struct
import sys
from dataclasses import replace
from pathlib import Path

from bridge.errors import LimitReached, VersionMismatch
from bridge.protocol.codec import (
    MAGIC,
    PROLOGUE,
    encode_error,
    encode_event,
    encode_reply,
    encode_request,
    pack,
)
from bridge.protocol.fields import to_wire
from bridge.protocol.limits import Limits
from bridge.protocol.messages import (
    ClipReply,
    EstimateReply,
    FamilySequence,
    Hello,
    JobProgressed,
    JobReference,
    JobReply,
    JobSubmit,
    Ping,
    Subscribe,
    Subscription,
    Welcome,
)
from bridge.protocol.offers import TimelineOffer
from bridge.protocol.searches import (
    FoundSpan,
    SpanAsk,
    SpanSearch,
    SpanSearchReference,
    SpanSearchReply,
)
from bridge.protocol.transfers import (
    ClipChunk,
    ClipCommit,
    ClipPut,
    ClipPutReply,
    Upload,
    UploadProgress,
)
from bridge.protocol.values import (
    DONE,
    Clip,
    ClipOrigin,
    Job,
    JobOptions,
    JobProgress,
    JobRerun,
    JobResult,
    PresenceLane,
    Problem,
    Stem,
    WirePrompt,
    WireSpan,
)
from bridge.protocol.version import MAJOR

FOLDER = Path(__file__).resolve().parent.parent / "data" / "wire"

ORIGIN = ClipOrigin("REAPER", "song.rpp", "Drums", 12.5, 600_000)
CLIP = Clip("c1", "Schlagzeug – Größe", "/music/drums.wav", "file", 48_000, 2, 96_000, 768_044,
            1_700_000_000.25, ORIGIN)  # fmt: skip
PROMPT = WirePrompt("snare drum", (WireSpan(0.25, 1.0), WireSpan(1.5, 2.0, "-")))
STEMS = (
    Stem("target", "drums - snare drum.wav", "/store/j1/target.wav", 0, 768_044, "ab" * 32, 48_000,
         2, 96_000, 0.75),
    Stem("residual", "drums - rest.wav", "/store/j1/residual.wav", 0, 768_044, "cd" * 32, 48_000, 2,
         96_000),
)  # fmt: skip
DONE_JOB = Job(
    "j1",
    "c1",
    PROMPT,
    JobOptions(separator="builtin", seed=7),
    DONE,
    CLIP.name,
    ORIGIN,
    JobProgress("done", 1.0, 0.0),
    attempt=1,
    created_s=1_700_000_001.0,
    started_s=1_700_000_001.5,
    finished_s=1_700_000_003.0,
    result=JobResult(STEMS, "/store/j1/timeline.json", "/store/j1/receipt.json", "/store/j1",
                     "builtin", PROMPT.spans, 0.8, None, (), 1.5),
)  # fmt: skip
assert DONE_JOB.result is not None
SURE_JOB = replace(
    DONE_JOB,
    options=JobOptions(separator="sam-audio-small"),
    result=replace(
        DONE_JOB.result,
        separator="sam-audio-small",
        presence=PresenceLane(0.2, 0.4, (0, 3, 97, 100, 50, 0, 0, 12)),
    ),
)

SEARCH = SpanSearch("s1", "c1", "snare drum", "running", "builtin", JobProgress("spot", 0.5, 1.5))
FOUND = replace(
    SEARCH,
    state=DONE,
    progress=JobProgress("done", 1.0, 0.0),
    spans=(FoundSpan(0.25, 1.0, "+", 0.5), FoundSpan(1.5, 2.0, "+", 0.75)),
    notices=(Problem("rough_text_only", "Look at them."),),
)

SINCE = {
    "reply_job_get_presence": 1,
    "event_job_done_presence": 1,
    "request_job_submit_rerun": 1,
    "reply_estimate": 2,
    "request_spans_predict": 2,
    "reply_spans_predict": 2,
    "request_spans_cancel": 2,
    "event_clip_spans": 2,
    "request_timeline_offer": 2,
    "reply_timeline_offer": 2,
}
"""The minor that a message needs, where it is not 0."""

REQUESTS = {
    "request_hello": (1, "hello", Hello("shim", "0.1.0"), b""),
    "request_ping": (2, "ping", Ping("x"), b""),
    "request_clip_put_path": (3, "clip.put", ClipPut("/music/drums.wav", None, "", ORIGIN), b""),
    "request_clip_put_upload": (
        4,
        "clip.put",
        ClipPut("", Upload("float32", 48_000, 2, 3, 24), "take 1", ORIGIN),
        b"",
    ),
    "request_clip_chunk": (
        5,
        "clip.chunk",
        ClipChunk("u1", 0),
        struct.pack("<6f", 0.0, -0.0, 0.5, -0.5, 1.0, -1.0),
    ),
    "request_clip_commit": (6, "clip.commit", ClipCommit("u1", ""), b""),
    "request_job_submit": (
        7,
        "job.submit",
        JobSubmit("c1", PROMPT, JobOptions(separator="builtin", seed=7), "s1"),
        b"",
    ),
    "request_job_submit_rerun": (
        10,
        "job.submit",
        JobSubmit("c1", PROMPT, JobOptions(seed=8, rerun=JobRerun("j1", 0.5, 1.25)), "s2"),
        b"",
    ),
    "request_job_cancel": (8, "job.cancel", JobReference("j1"), b""),
    "request_spans_predict": (
        12,
        "spans.predict",
        SpanAsk("c1", "snare drum", (WireSpan(1.5, 2.0, "-"),), "builtin", 0, "s3"),
        b"",
    ),
    "request_timeline_offer": (14, "timeline.offer", JobReference("j1"), b""),
    "request_spans_cancel": (13, "spans.cancel", SpanSearchReference("s1"), b""),
    "request_events_subscribe": (9, "events.subscribe", Subscribe(("clip", "job")), b""),
}

REPLIES = {
    "reply_timeline_offer": (
        14,
        "timeline.offer",
        TimelineOffer("REAPER", False, "host", 12.5, "/store/outbox/j1.timeline.json"),
        b"",
    ),
    "reply_spans_predict": (12, "spans.predict", SpanSearchReply(SEARCH), b""),
    "reply_estimate": (
        11,
        "estimate",
        EstimateReply(12.0, 2_304_000, 3_100_000_000, 4, 0.0, "sam-audio-base", 8_000_000_000),
        b"",
    ),
    "reply_hello": (1, "hello", Welcome("1.0", "0.1.0", "a1b2", 4321, True, Limits()), b""),
    "reply_ping": (2, "ping", Ping("x"), b""),
    "reply_clip_put_path": (3, "clip.put", ClipPutReply(CLIP), b""),
    "reply_clip_put_upload": (4, "clip.put", ClipPutReply(None, "u1", 262_144, 8), b""),
    "reply_clip_chunk": (5, "clip.chunk", UploadProgress(24, 1), b""),
    "reply_job_get_done": (8, "job.get", JobReply(DONE_JOB), b""),
    "reply_job_get_presence": (10, "job.get", JobReply(SURE_JOB), b""),
    "reply_events_subscribe": (
        9,
        "events.subscribe",
        Subscription(50_001, (FamilySequence("clip", 3), FamilySequence("job", 12))),
        b"",
    ),
}

ERRORS = {
    "error_too_many_jobs": (7, "job.submit", LimitReached("2000 jobs wait", "too_many_jobs")),
    "error_version_mismatch": (1, "hello", VersionMismatch("the peer speaks protocol 2.0")),
}

EVENTS = {
    "event_clip_added": ("clip.added", 4, 1_700_000_000.5, ClipReply(CLIP)),
    "event_job_progress": (
        "job.progress",
        13,
        1_700_000_002.0,
        JobProgressed("j1", JobProgress("separating", 0.5, 0.75)),
    ),
    "event_job_done": ("job.done", 14, 1_700_000_003.0, JobReply(DONE_JOB)),
    "event_clip_spans": ("clip.spans", 5, 1_700_000_004.0, SpanSearchReply(FOUND)),
    "event_job_done_presence": ("job.done", 15, 1_700_000_003.5, JobReply(SURE_JOB)),
}


def messages() -> dict[str, list[bytes]]:
    """Every golden message as frames, made by the code as it is now, with the minor it needs."""
    made = {
        **{name: encode_request(*each) for name, each in REQUESTS.items()},
        **{
            name: encode_reply(i, op, pack(body), data)
            for name, (i, op, body, data) in REPLIES.items()
        },
        **{name: encode_error(*each) for name, each in ERRORS.items()},
        **{
            name: encode_event(name_, n, t, pack(body))
            for name, (name_, n, t, body) in EVENTS.items()
        },
    }
    for name, frames in made.items():
        own = MAGIC + bytes([MAJOR, SINCE.get(name, 0)])
        made[name] = [own if frame == PROLOGUE else frame for frame in frames]
    newer = list(made["request_hello"])
    newer[0] = MAGIC + bytes([2, 0])
    made["request_of_major_2"] = newer
    return made


def index() -> dict[str, object]:
    """What each golden message means, for implementations in other languages."""
    told: dict[str, object] = {}
    for name, (number, op, body, data) in {**REQUESTS, **REPLIES}.items():
        told[name] = {"id": number, "op": op, "body": to_wire(body), "data": data.hex()}
    for name, (number, op, error) in ERRORS.items():
        body = {"code": error.code, "message": str(error)}
        told[name] = {"id": number, "op": op, "status": "error", "body": body}
    for name, (event, sequence, time_s, body) in EVENTS.items():
        told[name] = {"event": event, "sequence": sequence, "time_s": time_s, "body": to_wire(body)}
    told["request_of_major_2"] = {"refused_with": "version_mismatch"}
    return told


def frames_of(content: bytes) -> list[bytes]:
    """The frames that a golden file holds."""
    frames, position = [], 0
    while position < len(content):
        (length,) = struct.unpack_from(">I", content, position)
        frames.append(content[position + 4 : position + 4 + length])
        position += 4 + length
    return frames


def file_of(frames: list[bytes]) -> bytes:
    """Frames as a golden file holds them."""
    return b"".join(struct.pack(">I", len(frame)) + frame for frame in frames)


def main() -> int:
    """Write all golden files."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    for name, frames in messages().items():
        (FOLDER / f"{name}.bin").write_bytes(file_of(frames))
    text = json.dumps(index(), indent=1, ensure_ascii=False, sort_keys=True)
    (FOLDER / "index.json").write_text(text + "\n", "utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
