"""nginx-operator, for which a watch is stuck after no time at all instead of ten minutes."""

import sys

from nginx_operator.__main__ import main
from nginx_operator.serving import health

if __name__ == "__main__":
    health._STUCK_SECONDS = 0.0  # type: ignore[misc]
    sys.exit(main())
