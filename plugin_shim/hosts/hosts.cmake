# Small VST3 hosts of our own, for what no host can be asked: only for tests.
