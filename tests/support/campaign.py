"""The size of a run: `make campaign` sets CAMPAIGN=N, and what is worth repeating is repeated N times."""

import os
from typing import Final

CAMPAIGN: Final = "CAMPAIGN" in os.environ
TURNS: Final = int(os.environ.get("CAMPAIGN", "1"))
