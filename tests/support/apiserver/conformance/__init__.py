"""Requests whose answers tell an API server's semantics: a real one and the double answer them alike.

player.py   plays them, and makes the answers comparable
steps.py    a request or a watch as data
secrets.py  verbs, patches, selectors, pages, preconditions, watches
applies.py  server-side apply
kinds.py    custom resources, webhook configurations, Leases, Events

Nothing that a real API server adds by itself is in the way: each body is whole, with all defaults, and no controller
looks at what is stored. uids and resourceVersions are compared by when the same one comes again, so a write that must
change nothing, and one that must, are told apart; no other number and no time is compared.
"""
