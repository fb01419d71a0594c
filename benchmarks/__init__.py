"""Benchmarks of the pipeline against baselines that they carry themselves: docs/performance.md."""
