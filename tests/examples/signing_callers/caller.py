"""Calls `signed_token` of the example in the folder that is named, as a site would, with what is on standard input."""

import json
import sys

sys.path.insert(0, sys.argv[1])

from signing import signed_token

try:
    print(signed_token(*json.load(sys.stdin)))
except ValueError as error:
    sys.exit(str(error))
