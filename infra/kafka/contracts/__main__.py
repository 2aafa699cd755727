"""For those who change what is published: `python -m infra.kafka.contracts freeze`."""

import sys

from infra.kafka.contracts.schemas import freeze

match sys.argv[1:]:
    case ["freeze"]:
        for name in freeze():
            print(name)
    case _:
        sys.exit(__doc__)
