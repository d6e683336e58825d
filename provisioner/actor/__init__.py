"""Who triggered this run, and what may they do now: the room of `gate`.

`found.py` is what a CI system's API says of a run, `github_actions.py` and its siblings ask it (one file a system),
`decide.py` judges it against the declared access (pure: no I/O, the time is passed in), `published.py` reads the
declarations that count. Variables only say which run to ask about, and nobody is let in for one.
"""
