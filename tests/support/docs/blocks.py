"""The commands of a page, in order. Pure.

A block is fenced with `console`, where a command begins with `$ ` and what it answers stands below it, or with `sh`,
where all is one script. A block that the test bed cannot run says so behind that word:

    ```console not run: the firewall belongs to your cloud
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[3]
#: Every page that a user reads.
PAGES = tuple(
    sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md"), *ROOT.glob("charts/*/*.md"), *ROOT.glob("examples/*.md")])
)
SHELLS = ("console", "sh")
NOT_RUN = "not run: "
_FENCE = re.compile(r"^(?P<indent> *)(?P<ticks>`{3,})(?P<info>[^`]*)$")
_HEREDOC = re.compile(r"<<-?\s*(['\"]?)(\w+)\1")


@dataclass(frozen=True)
class Command:
    """One command.

    Attributes:
        line: where it stands in its page, from 1.
        text: as it is typed, of one line or more.
        answer: the lines below it.
    """

    line: int
    text: str
    answer: tuple[str, ...] = ()


@dataclass(frozen=True)
class Block:
    """A fenced block of commands.

    Attributes:
        reason: why it is not run; empty if it is.
    """

    line: int
    commands: tuple[Command, ...]
    reason: str = ""


class PageError(ValueError):
    """A page cannot be parsed; the text says where."""


def fences(text: str) -> Iterator[tuple[int, str, list[str]]]:
    """Line, info string and lines of each fenced block.

    Raises:
        PageError: one has no end.
    """
    opened: tuple[int, str, str, int] | None = None
    inside: list[str] = []
    for number, line in enumerate(text.splitlines(), 1):
        found = _FENCE.match(line)
        if opened is None:
            if found:
                opened, inside = (number, found["ticks"], found["info"].strip(), len(found["indent"])), []
        elif found and found["ticks"] == opened[1] and not found["info"].strip():
            yield opened[0], opened[2], inside
            opened = None
        else:
            inside.append(line[opened[3] :])
    if opened is not None:
        raise PageError(f"line {opened[0]}: a block without an end")


def blocks(text: str) -> list[Block]:
    """The blocks of commands of a page."""
    found = []
    for line, info, inside in fences(text):
        shell, _, rest = info.partition(" ")
        if shell not in SHELLS:
            continue
        if rest and not (rest.startswith(NOT_RUN) and rest.removeprefix(NOT_RUN).strip()):
            raise PageError(f"line {line}: {rest!r} is not '{NOT_RUN}' with a reason")
        commands = _of_console(line, inside) if shell == "console" else [Command(line + 1, "\n".join(inside))]
        found.append(Block(line, tuple(commands), rest.removeprefix(NOT_RUN).strip()))
    return found


def outside(text: str) -> list[int]:
    """Numbers of lines that look like commands outside a block of commands, which nobody runs."""
    lines = text.splitlines()
    for start, _, inside in fences(text):
        lines[start - 1 : start + len(inside) + 1] = [""] * (len(inside) + 2)
    typed = re.compile(r"^ {4,}(\$ )?(kubectl|helm|make|cmctl|docker|kind|cosign) ")
    return [number for number, line in enumerate(lines, 1) if typed.match(line)]


def _of_console(line: int, inside: Sequence[str]) -> list[Command]:
    found: list[Command] = []
    typed: list[str] = []
    for number, text in enumerate([*inside, "$ "], line + 1):
        if typed and _goes_on(typed):
            typed.append(text)
        elif text.startswith("$ "):
            typed = [text[2:]]
            found.append(Command(number, ""))
        elif not found:
            raise PageError(f"line {number}: an answer without a command")
        else:
            found[-1] = Command(found[-1].line, found[-1].text, (*found[-1].answer, text))
            continue
        found[-1] = Command(found[-1].line, "\n".join(typed))
    return found[:-1]


def _goes_on(typed: Sequence[str]) -> bool:
    """Whether a shell would ask for another line."""
    for number, line in enumerate(typed):
        here = _HEREDOC.search(line)
        if here:
            return here[2] not in typed[number + 1 :]
    return typed[-1].endswith("\\")


# --- answers ----------------------------------------------------------------------------------------------------------

#: Text that differs between runs: ages, times, pod name hashes, addresses. And `...`, which matches anything.
_VOLATILE = re.compile(
    r"\.\.\.|^(?:\d+[smhd])+$|\d{4}-\d\d-\d\dT[\d:.+Z-]+|(?<=-)[a-z0-9]{7,10}-[a-z0-9]{5}\b|\b\d+\.\d+\.\d+\.\d+\b"
)


def differs(shown: Sequence[str], said: str) -> str:
    """The first line of the answer shown that a command did not print, in order; empty if it printed all.

    `...` stands for anything, in a line or as one. Widths of columns may differ, and what cannot be the same twice.
    """
    lines = iter(said.splitlines())
    for line in shown:
        if line.strip() in ("", "...", "[...]"):
            continue
        wanted = re.compile(r"\s+".join(".*?".join(map(re.escape, _VOLATILE.split(word))) for word in line.split()))
        if not any(wanted.fullmatch(real.strip()) for real in lines):
            return line
    return ""
