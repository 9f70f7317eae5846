"""All I/O with the API server.

connection.py  where the API server is and who we are: in a cluster, or by a kubeconfig
client.py      one HTTP client: get, list, apply, delete, watch; errors as ApiError
resources.py   the kinds that are read or written, and their URLs
reflector.py   list and watch of one kind into a cache
election.py    who leads: a Lease
events.py      what users read in `kubectl describe`
"""
