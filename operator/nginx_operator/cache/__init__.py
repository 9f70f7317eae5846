"""What the operator knows of the cluster.

caches.py      all of it
scope.py       one namespace or all: an informer for each kind, and the way from there into the queue
informer.py    one kind: a reflector and the store that it fills
store.py       its objects, by the Nginx that they belong to
transforms.py  what is kept of an object
namespaces.py  labels of namespaces, while a policy asks for them
"""
