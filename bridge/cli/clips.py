"""`stemlasso clips`: what is on the server's desk to separate."""

import argparse
from dataclasses import asdict
from pathlib import Path

from bridge.client import Client
from bridge.protocol.values import Clip, ClipOrigin

from .output import OK, duration, parser, short, show_json, table, with_client


def main(argv: list[str]) -> int:
    """Run `stemlasso clips`; returns the exit status."""
    made = parser("clips", "List the clips that every client of the server sees.")
    made.add_argument("--add", type=Path, action="append", default=[], metavar="FILE")
    made.add_argument("--remove", action="append", default=[], metavar="CLIP")
    arguments = made.parse_args(argv)
    return with_client(arguments, lambda client: _run(client, arguments))


def _run(client: Client, arguments: argparse.Namespace) -> int:
    for clip_id in arguments.remove:
        client.remove_clip(clip_id)
    for path in arguments.add:
        client.put_file(path, origin=ClipOrigin(host="command line"))
    clips = client.clips()
    if arguments.json:
        show_json([{**asdict(clip), "duration_s": clip.duration_s} for clip in clips])
    elif clips:
        print(table([_row(clip) for clip in clips]))
    else:
        print("no clips")
    return OK


def _row(clip: Clip) -> tuple[str, ...]:
    origin = " / ".join(filter(None, (clip.origin.host, clip.origin.track)))
    at_s = clip.origin.position_s
    return (
        clip.clip_id,
        duration(clip.duration_s),
        f"{clip.sample_rate} Hz",
        f"{clip.n_channels} ch",
        short(clip.name),
        origin + ("" if at_s is None else f" at {at_s:.3f} s"),
    )
