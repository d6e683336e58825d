"""What we manage: one folder for each kind of system, none of which knows another.

Only `catalog.py` names them all, and only `cli` imports that.
"""
