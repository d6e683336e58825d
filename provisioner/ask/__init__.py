"""Desired and live State -> answers: why somebody has something, who has a thing, what is left of a leaver. Pure.

Nothing here reads a system or a file, and nothing decides what is to be done: that is `plan`.
"""

from provisioner.ask.explain import explain
from provisioner.ask.receipt import Done, Sought, receipt
from provisioner.ask.who import Question, who

__all__ = ["Done", "Question", "Sought", "explain", "receipt", "who"]
