"""For those who change what is taken or told: `python -m infra.kafka.contracts freeze | asyncapi`.

The first releases the schemas that are not released yet, the second prints docs/asyncapi.json.
"""

import sys

from infra.kafka.contracts import schemas, taken
from infra.kafka.contracts.asyncapi import document
from infra.kafka.contracts.released import written

match sys.argv[1:]:
    case ["freeze"]:
        for name in (*schemas.freeze(), *taken.freeze()):
            print(name)
    case ["asyncapi"]:
        print(written(document()), end="")
    case _:
        sys.exit(__doc__)
