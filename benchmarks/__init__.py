"""Speed, measured beside real peers: ``python -m benchmarks`` prints one table. Never part of the tests."""
