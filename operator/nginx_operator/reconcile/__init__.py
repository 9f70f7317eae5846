"""The reconciler, and what it remembers of each Nginx.

reconciler.py          one reconcile, from top to bottom
guard.py               the webhooks' checks again, so that nothing depends on their being up
child_writer.py        writes the children, and tells the user
executor.py            carries out a plan
patches.py             bodies of writes that are not simply the desired child
pod_events.py          asks for the events of pods that are not ready and do not say why
status_writer.py       writes the status, and tells the user
memo.py                what is remembered of one Nginx
unused_config_maps.py  deletes the configurations that no ReplicaSet needs
write_conflicts.py     somebody else who keeps undoing what is written
status_throttle.py     how often a status is written that changes in numbers alone
"""
