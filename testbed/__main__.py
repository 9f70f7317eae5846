"""The command line: `python -m testbed`."""

from __future__ import annotations

import argparse
import os
import shlex
import subprocess
import sys
from collections.abc import Callable, Sequence
from typing import cast

from testbed import images, nginximages, state, tools
from testbed.bed import Bed
from testbed.debian import Level
from testbed.errors import BedError, tail
from testbed.progress import Progress

DESCRIPTION = """\
A real Kubernetes on this machine, without Docker: one bed is one cluster, in a network namespace of its
own. The first use builds the programs from pinned Go modules (about 12 minutes on two cores); they are
kept under ~/.cache, and from then on a bed is up in seconds.
"""

EPILOG = """\
a session:
  python -m testbed up --level node           etcd, API server, ..., and a node that runs containers
  python -m testbed image all --load demo     build our image and nginx's, import them into the bed
  eval "$(python -m testbed env)"             this shell's kubectl and helm now talk to the bed
  kubectl get nodes
  python -m testbed shell                     a shell in the bed's network: Service addresses answer
  python -m testbed down                      nothing remains

Pods have addresses inside of the bed only; from outside use `kubectl port-forward`. There is no CoreDNS.
"""


def parser() -> argparse.ArgumentParser:
    """Return the parser of the command line."""
    top = argparse.ArgumentParser(
        prog="python -m testbed",
        description=DESCRIPTION,
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    commands = top.add_subparsers(dest="command", required=True, metavar="COMMAND")

    up = commands.add_parser("up", help="bring a bed up (at once, when it is up already)")
    _name(up)
    up.add_argument(
        "--level",
        choices=("control-plane", "node"),
        default="node",
        help="with or without a real node (default: node)",
    )
    up.add_argument("--kwok-nodes", type=int, default=0, metavar="N", help="fake nodes to add (default: 0)")

    down = commands.add_parser("down", help="take a bed down, whatever state it is in")
    which = down.add_mutually_exclusive_group()
    _name(which)
    which.add_argument("--all", action="store_true", help="all beds")

    commands.add_parser("status", help="list the beds and their parts")
    for command, what in (
        ("env", 'print shell lines that point kubectl and helm to a bed: eval "$(... env)"'),
        ("kubeconfig", "print the path of a bed's kubeconfig"),
        ("tools", "print the folder that holds kubectl and helm (4)"),
        ("shell", "open a shell in a bed's network"),
    ):
        _name(commands.add_parser(command, help=what))

    logs = commands.add_parser("logs", help="print the log of a part, or where all logs are")
    _name(logs)
    logs.add_argument("part", nargs="?", metavar="PART", help="such as kube-apiserver, kubelet, audit")
    logs.add_argument("--lines", type=int, default=0, metavar="N", help="only the last N lines")

    image = commands.add_parser("image", help="build images and print their archives; with --load import them")
    image.add_argument("which", nargs="?", choices=("operator", "nginx", "all"), default="all")
    image.add_argument("--tag", help="tag of our image (default: the chart's appVersion)")
    image.add_argument("--load", metavar="NAME", help="import them into this bed")

    run = commands.add_parser("exec", help="run a command in a bed's network: exec [NAME] -- COMMAND")
    run.add_argument("--name", default=None, help=argparse.SUPPRESS)
    run.add_argument("bed", nargs="?", metavar="NAME", help="the bed (default: demo)")
    return top


def _name(to: argparse._ActionsContainer) -> None:
    to.add_argument("--name", default="demo", help="the bed's name (default: demo)")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command; return the exit status."""
    words = list(sys.argv[1:] if arguments is None else arguments)
    # What follows `--` is another program's, and not for our parser to read.
    words, inner = (words[: words.index("--")], words[words.index("--") + 1 :]) if "--" in words else (words, [])
    options = parser().parse_args(words)
    progress = Progress(sys.stderr)
    try:
        return COMMANDS[options.command](options, inner, progress)
    except BedError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("\ninterrupted; `down`, or the next `up`, removes what is left", file=sys.stderr)
        return 130


def _up(options: argparse.Namespace, _: list[str], progress: Progress) -> int:
    bed = Bed(options.name, cast(Level, options.level), options.kwok_nodes).up(progress)
    progress.note(f"bed {bed.name} is up: export KUBECONFIG={bed.kubeconfig}")
    return 0


def _down(options: argparse.Namespace, _: list[str], progress: Progress) -> int:
    for name in state.names() if options.all else [options.name]:
        with progress.step(f"taking down bed {name}"):
            Bed(name).down()
    return 0


def _existing(name: str) -> Bed:
    bed = Bed(name)
    _ = bed.state
    return bed


def _status(_: argparse.Namespace, __: list[str], ___: Progress) -> int:
    names = state.names()
    if not names:
        print("no beds")
    for name in names:
        bed = Bed(name)
        health = bed.health()
        print(f"{name}: {health}", end="")
        if health == "up":
            fakes = f", {bed.state.kwok_nodes} fake nodes" if bed.state.kwok_nodes else ""
            print(f", level {bed.state.level}{fakes}, {bed.administrator.server}", end="")
        print()
        for part, alive in bed.parts().items():
            print(f"  {part}: {'running' if alive else 'not running'}")
    return 0


def _env(options: argparse.Namespace, _: list[str], __: Progress) -> int:
    bed = _existing(options.name)
    for variable, value in bed.environment.items():
        if variable == "PATH":
            print(f'export PATH={shlex.quote(str(bed.tools))}:"$PATH"')
        elif value != os.environ.get(variable):
            print(f"export {variable}={shlex.quote(value)}")
    return 0


def _kubeconfig(options: argparse.Namespace, _: list[str], __: Progress) -> int:
    print(_existing(options.name).kubeconfig)
    return 0


def _tools(_: argparse.Namespace, __: list[str], progress: Progress) -> int:
    print(tools.folder(progress))
    return 0


def _logs(options: argparse.Namespace, _: list[str], __: Progress) -> int:
    bed = _existing(options.name)
    if options.part is None:
        for file in sorted(bed.audit_log.parent.glob("*.log")):
            print(file)
        return 0
    file = bed.log(options.part)
    if not file.exists():
        raise BedError(f"bed {bed.name} has no log {options.part}; `logs` alone lists them.")
    if options.lines:
        print(tail(file, options.lines))
        return 0
    return subprocess.run(["cat", str(file)], check=False).returncode


def _image(options: argparse.Namespace, _: list[str], progress: Progress) -> int:
    built = []
    if options.which in ("nginx", "all"):
        built.append(nginximages.build(progress))
    if options.which in ("operator", "all"):
        built.append(images.operator(options.tag, progress))
    for image in built:
        if options.load:
            with progress.step(f"importing {', '.join(image.names)}"):
                _existing(options.load).load_image(image.archive)
        print(image.archive)
    return 0


def _exec(options: argparse.Namespace, inner: list[str], _: Progress) -> int:
    if not inner:
        raise BedError("exec needs a command behind `--`: exec demo -- kubectl get nodes")
    return _existing(options.bed or options.name or "demo").run(inner, check=False).returncode


def _shell(options: argparse.Namespace, _: list[str], __: Progress) -> int:
    return _existing(options.name).run([os.environ.get("SHELL", "/bin/sh")], check=False).returncode


COMMANDS: dict[str, Callable[[argparse.Namespace, list[str], Progress], int]] = {
    "up": _up,
    "down": _down,
    "status": _status,
    "env": _env,
    "kubeconfig": _kubeconfig,
    "tools": _tools,
    "logs": _logs,
    "image": _image,
    "exec": _exec,
    "shell": _shell,
}


if __name__ == "__main__":
    raise SystemExit(main())
