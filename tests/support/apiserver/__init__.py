"""The API server of unit tests: a store with the semantics of the real one, as far as our code uses them.

server.py             HTTP on loopback: the class that tests use
faults.py             what a request meets before it reaches the store
watch.py              one open watch
listing.py            lists and their pages
store.py              objects by path, their history, and what each verb does
server_side_apply.py  apply and metadata.managedFields (KEP-555)
patches.py            JSON merge patch, JSON patch, strategic merge patch
fields.py             sets of fields, and what differs between two objects
objects.py            how Go's types write an object
selectors.py          label and field selectors
request_info.py       what a request is about: group, plural, namespace, name
status_errors.py      metav1.Status, in the API server's words
conformance/          requests that a real API server answers alike (tests/cluster/test_apiserver_double.py)

It has no defaults, no schemas, no finalizers and no garbage collector, and a namespace need not exist.
"""
