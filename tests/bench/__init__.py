"""Benchmarks: each module `bench_*.py` has `run(server, smoke)`, which prints its figures."""
