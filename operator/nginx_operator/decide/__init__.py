"""Decisions: pure functions of what is desired and what was observed. Nothing here does I/O.

plan.py            what to do about the children
conditions.py      the conditions of an Nginx
status.py          its whole status
event_messages.py  what a user is told of a change
"""
