"""Decisions: pure functions of what is desired and what was observed. Nothing here does I/O.

plan.py                    what to do about the children
compare.py                 a desired child beside the live one
configuration_in_force.py  which revision of its configuration a Deployment runs
config_test.py             what nginx says of a configuration, by its test in a pod
field_managers.py          who has set a field of a child
drift.py                   how a child differs from what is desired, in words
carry_over.py              what others set in a child and our apply must name to keep it
outcome.py                 what became of a plan
observation.py             what one reconcile saw and did
pod_troubles.py            what the kubelet says is wrong with pods
pod_events.py              what the events of a pod say of why it is not ready
timestamps.py              times as the API server writes them
conditions.py              the conditions of an Nginx
status.py                  its whole status
event_messages.py          what a user is told of a change
"""
