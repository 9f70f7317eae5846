"""The API server of unit tests: it stores, and has the semantics of the real one for what our code asks of it.

server.py             HTTP on loopback; what a test holds in its hands
store.py              objects by path, their history, and what each verb does
request_info.py       what a request is about: group, plural, namespace, name
server_side_apply.py  apply and metadata.managedFields (KEP-555)
fields.py             sets of fields, and what differs between two objects
patches.py            JSON merge patch, JSON patch, strategic merge patch
selectors.py          label and field selectors
watch.py              one open watch
faults.py             what a request meets before it reaches the store
refusals.py           metav1.Status, in the API server's words
script.py             requests that a real API server answers as this one does (tests/cluster/test_apiserver_double.py)
"""
