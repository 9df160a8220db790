"""``python -m wbcseg``."""

import sys

from wbcseg.cli import main

if __name__ == "__main__":
    sys.exit(main())
