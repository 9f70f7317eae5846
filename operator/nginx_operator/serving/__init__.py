"""The HTTP server of both processes.

http_server.py         listening sockets, connections, graceful shutdown
acceptor.py            accepts connections and completes their TLS handshakes
http_protocol.py       HTTP/1.1 on one connection
connection_tracker.py  the stage and the deadline of every connection
body_limiter.py        the memory of request bodies
connection.py          what the three above know of a connection
limits.py              timeouts and limits
application.py         request heads, responses, and what produces them
listening.py           addresses and their sockets
process_metrics.py     what every process tells of itself
health.py              /healthz, /readyz and /metrics
"""
