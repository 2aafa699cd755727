"""For those who change this folder: `python -m infra.kafka topics`, and `lock COORDINATES...`.

The first prints docs/topics.md. The second prints jars.lock for a version of Kafka; see
docs/adr for the coordinates.
"""

import sys

from infra.kafka.jars import lock_lines
from infra.kafka.topics import as_markdown

match sys.argv[1:]:
    case ["topics"]:
        print(as_markdown(), end="")
    case ["lock", *coordinates] if coordinates:
        print("\n".join(sorted(lock_lines(coordinates), key=lambda line: line.split()[1])))
    case _:
        sys.exit(__doc__)
