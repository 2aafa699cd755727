"""For those who change this folder: `python -m infra.ops` prints docs/operations.md's table."""

from infra.ops.metrics import as_markdown

print(as_markdown(), end="")
