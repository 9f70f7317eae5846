"""The client for the API server; both processes use it.

client_config.py     where the API server is, and the credentials for it: in a cluster, or by a kubeconfig
tls.py               the TLS settings of new connections, which follow their files
client.py            get, list, create, apply, patch, delete, watch
errors.py            refusals of the API server, as one exception
resources.py         the kinds that are read or written, and their URLs
reflector.py         list and watch of one kind into a store
resource_version.py  which of two states is the later one
backoff.py           growing delays between failures
token_bucket.py      how often something may be done: a burst, then at a rate
connection_pool.py   HTTP/1.1 to one server, on a pool of connections
http1.py             one HTTP/1.1 connection
"""
