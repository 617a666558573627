"""`python -m mastic` is `mastic`."""

import sys

from mastic.cli import main

sys.exit(main())
