"""The reconciler, and what it remembers of each Nginx.

reconciler.py       one reconcile, from top to bottom
guard.py            the webhooks' checks again, so that nothing depends on their being up
executor.py         carries out a plan
memo.py             what was found last, so that a settled Nginx costs nothing
write_conflicts.py  somebody else who keeps undoing what is written
status_throttle.py  how often a status is written that changes in numbers alone
"""
