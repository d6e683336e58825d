"""What was intended and what happened: the journal, one chain of records per target, and the declarations beside it.

A change is on disk as an intent before it is made and as an outcome after. Nothing here decides what to change, and
nothing here looks at a live system.
"""
