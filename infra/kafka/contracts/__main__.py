"""For those who change what is published: `python -m infra.kafka.contracts freeze | asyncapi`.

The first releases the schemas that are not released yet, the second prints docs/asyncapi.json.
"""

import sys

from infra.kafka.contracts.asyncapi import document
from infra.kafka.contracts.schemas import freeze, written

match sys.argv[1:]:
    case ["freeze"]:
        for name in freeze():
            print(name)
    case ["asyncapi"]:
        print(written(document()), end="")
    case _:
        sys.exit(__doc__)
