"""What the operator knows of the cluster.

caches.py      the Nginx, their children and their pods
namespaces.py  labels of namespaces, while a policy asks for them
"""
