"""``python -m stead.keeper [--home DIR]``: the keeper without the command line around it, to stay small."""

import sys

from stead.keeper.daemon import keep
from stead.keeper.home_named import home_named
from stead.words.errors import SteadError

try:
    sys.exit(keep(home_named(sys.argv[1:])))
except SteadError as error:
    print(f"stead: {error.message}", file=sys.stderr)
    sys.exit(error.code)
