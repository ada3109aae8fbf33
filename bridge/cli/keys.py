"""`stemlasso keys`: who may reach a server that listens, and which servers are trusted."""

import argparse
from pathlib import Path

from bridge.folders import find_folders
from bridge.security import Keys, RemoteServer

from .address import parse_address
from .output import EXIT_STATUS_HELP, OK, guarded, show_json

_EPILOG = f"""\
A GPU machine in the studio, step by step:
  on the workstation   stemlasso keys                            (shows its client key)
  on the GPU machine   stemlasso keys allow workstation KEY      (lets that key in)
  on the GPU machine   stemlasso keys                            (shows its server key)
  on the GPU machine   stemlasso serve --listen 192.168.1.20
  on the workstation   stemlasso keys trust gpu 192.168.1.20 KEY
  on the workstation   stemlasso separate mix.wav -d "snare drum" --server gpu

{EXIT_STATUS_HELP}"""


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="stemlasso keys",
        description="Show this installation's public keys, and exchange keys with other computers.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--json", action="store_true", help="print JSON instead of lines")
    parser.add_argument("--home", type=Path, metavar="DIR", help="folder for everything")
    commands = parser.add_subparsers(dest="command", metavar="COMMAND")
    allow = commands.add_parser("allow", help="let another computer's client in")
    allow.add_argument("name")
    allow.add_argument("key", help="its client key")
    revoke = commands.add_parser("revoke", help="let it in no more")
    revoke.add_argument("name")
    trust = commands.add_parser("trust", help="remember a server elsewhere")
    trust.add_argument("name")
    trust.add_argument("address", metavar="ADDRESS[:PORT]")
    trust.add_argument("key", help="its server key")
    forget = commands.add_parser("forget", help="forget it")
    forget.add_argument("name")
    return parser


def main(argv: list[str]) -> int:
    """Run `stemlasso keys`; returns the exit status."""
    arguments = _parser().parse_args(argv)
    return guarded(lambda: _run(arguments), as_json=arguments.json)


def _run(arguments: argparse.Namespace) -> int:
    keys = Keys(find_folders(arguments.home).keys)
    match arguments.command:
        case "allow":
            keys.allow(arguments.name, arguments.key)
        case "revoke":
            keys.revoke(arguments.name)
        case "trust":
            host, port = parse_address(arguments.address)
            shown = f"[{host}]" if ":" in host else host
            keys.trust(arguments.name, RemoteServer(f"{shown}:{port}", arguments.key))
        case "forget":
            keys.forget(arguments.name)
    _show(keys, as_json=arguments.json)
    return OK


def _show(keys: Keys, *, as_json: bool) -> None:
    server, client = keys.server().public, keys.client().public
    allowed, servers = keys.allowed(), keys.servers()
    if as_json:
        trusted = {
            name: {"address": one.address, "key": one.public} for name, one in servers.items()
        }
        show_json(
            {"server": server, "client": client, "allowed": dict(allowed), "servers": trusted}
        )
        return
    print(f"server key  {server}")
    print(f"client key  {client}")
    for name, key in allowed.items():
        print(f"allowed     {key}  {name}")
    for name, one in servers.items():
        print(f"trusted     {one.public}  {name} at {one.address}")
