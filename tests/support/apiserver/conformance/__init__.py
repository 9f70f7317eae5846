"""Requests that show an API server's semantics: a real one and the double must answer them alike.

player.py   plays them, and makes the answers comparable
steps.py    a request or a watch as data
secrets.py  verbs, patches, selectors, pages, preconditions, watches
applies.py  server-side apply
kinds.py    custom resources, webhook configurations, Leases, Events

Bodies spell out all defaults, and no controller acts on the objects, so a real API server adds nothing to them. uids
and resourceVersions are numbered in order of appearance: that shows whether a write stored something. Times and other
long numbers are not compared.
"""
