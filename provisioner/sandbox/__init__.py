"""Embedded servers for `provision demo`, `provision sandbox` and the tests: one file per system, speaking its wire.

Refuses to know providers, model or contract: an emulator that shared code with the converter it is tested with
would share its mistakes.
"""
