"""Where we are running, not what we manage: which CI system this is, who triggered the run, and for which pull request.

All of it comes from variables and files that a job's author may have a hand in: it is put on record as what was
claimed, and nobody is let in for it. Calls no API.
"""
