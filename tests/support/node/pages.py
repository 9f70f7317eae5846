"""What nginx answers, asked inside of a bed."""

import json
import sys
from dataclasses import dataclass

from testbed import Bed

_FETCH = """
import json, sys, urllib.request
with urllib.request.urlopen(sys.argv[1], timeout=5) as answer:
    print(json.dumps([answer.headers["X-Testbed-Image"] or "", answer.read().decode()]))
"""


@dataclass(frozen=True)
class Page:
    """An answer; empty when there is none.

    Attributes:
        image: the tag of the image that answered, by the header of the bed's images; empty if it sets none.
    """

    image: str = ""
    body: str = ""


def fetch(bed: Bed, address: str) -> Page:
    """What is answered at the root of an address."""
    done = bed.run([sys.executable, "-c", _FETCH, f"http://{address}/"], capture_output=True, text=True)
    return Page(*json.loads(done.stdout)) if done.returncode == 0 else Page()
