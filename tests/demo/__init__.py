"""The demo: installs the operator into a cluster and shows what it does, checking each thing that it shows.

__main__.py     command line of `make demo`
environment.py  makes .venv; needs nothing but the standard library
console.py      prints commands as a user would type them, and runs them
places.py       where the demo runs: the embedded cluster, or kubectl's current context
story.py        what is shown, in order
claims.py       pure: what must hold of the answers
"""
