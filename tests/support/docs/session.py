"""A shell that runs the commands of a page in their order, in the repository, against one bed."""

import re
import subprocess
import threading
import uuid
from types import TracebackType
from typing import Self

from testbed import Bed
from tests.support.docs.blocks import ROOT, Command, differs

#: Seconds that a command may take; the longest ones install the chart.
LONGEST = 600
#: How an answer begins where a page shows a refusal.
_FAILURES = re.compile(r"^Error|^The \w+ \S+ is invalid|^no$")


class PageFaultError(AssertionError):
    """A command of a page failed, or its output differs from the page."""


class Session:
    """One bash for one page, so that exported variables last."""

    def __init__(self, bed: Bed, page: str) -> None:
        self._page = page
        environment = {
            **{name: value for name, value in bed.environment.items() if not name.lower().endswith("_proxy")},
            "BED": bed.name,  # for make
        }
        self._shell = subprocess.Popen(
            ["bash", "--noprofile", "--norc"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            cwd=ROOT,
            env=environment,
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._shell.kill()
        self._shell.communicate()

    def run(self, command: Command) -> None:
        """Runs one command, and compares its output with the page.

        Raises:
            PageFaultError: it failed and the page shows no failure, or it answered otherwise.
        """
        code, said = self._ask(command.text)
        where = f"{self._page}, line {command.line}: {command.text}\n--- answered with {code}:\n{said}"
        fails = any(map(_FAILURES.match, command.answer))
        if (code != 0) != fails:
            raise PageFaultError(f"{where}\n--- the page shows {'a failure' if fails else 'none'}")
        if line := differs(command.answer, said):
            raise PageFaultError(f"{where}\n--- the page shows: {line}")

    def _ask(self, text: str) -> tuple[int, str]:
        assert self._shell.stdin is not None
        assert self._shell.stdout is not None
        end = f"end-{uuid.uuid4().hex}"
        late = threading.Timer(LONGEST, self._shell.kill)
        late.start()
        try:
            self._shell.stdin.write(f'{{ {text}\n}} </dev/null\necho "{end} $?"\n')
            self._shell.stdin.flush()
            said: list[str] = []
            for line in self._shell.stdout:
                before, found, code = line.partition(end)
                said.append(before)
                if found:
                    return int(code), "".join(said)
        finally:
            late.cancel()
        raise PageFaultError(f"{self._page}: {text}\n--- did not end in {LONGEST} s:\n{''.join(said)}")
