"""What any operator needs beside its own decisions.

preflight.py        waits for the API server, the CRD and the permission to list
workqueue.py        keys to reconcile, each once at a time, with retries
leader_election.py  which replica works: a Lease
events.py           what users read in `kubectl describe`
admission_probe.py  whether admission works, tried through the API server
service_account.py  the ServiceAccount that our token belongs to
"""
