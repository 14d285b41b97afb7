"""`python -m mock_capgo` is the command `mock-capgo`."""

import sys

from mock_capgo.cli import main

sys.exit(main())
