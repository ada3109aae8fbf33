#!/usr/bin/env python3
"""Set up StemLasso in this checkout: `python3 installer/setup.py demo`, `... plugin`, `... test`.

Only the version check lives here, in words that any Python 3 can read; the work is in
`front_door.py`, which may use the language of the Python that we ask for.
"""

import sys

OLDEST = (3, 11)

if __name__ == "__main__":
    if sys.version_info < OLDEST:
        sys.exit(
            f"error: this is Python {sys.version_info[0]}.{sys.version_info[1]}; StemLasso needs "
            f"{OLDEST[0]}.{OLDEST[1]} or newer. Install one and run this script with it, for "
            "instance: python3.12 installer/setup.py demo"
        )
    from front_door import main

    sys.exit(main())
