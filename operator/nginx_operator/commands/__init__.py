"""What `nginx-operator` does beside running.

lint.py   checks manifests offline
check.py  checks an installed release; `helm test` runs it
"""
