"""Faults on purpose, by seed: real servers behind a proxy that cuts, spoils, throttles, hangs, and kills the engine.

`proxy` stands between the engine and a server, `systems` has one file for each kind of server, `invariants` says what
must hold whatever happens, from what the servers themselves tell. `python -m tests.faults --full` runs a night's worth.
"""
