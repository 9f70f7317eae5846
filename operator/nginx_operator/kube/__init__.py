"""The client for the API server; both processes use it.

client_config.py    where the API server is and who we are: in a cluster, or by a kubeconfig
client.py           get, list, create, apply, patch, delete, watch
errors.py           what the API server refuses, as one exception
resources.py        the kinds that are read or written, and their URLs
reflector.py        list and watch of one kind
connection_pool.py  HTTP/1.1 to one server, on a pool of connections
http1.py            one HTTP/1.1 connection
token_bucket.py     how often something may be done: a burst, then at a rate
"""
