"""What both processes serve HTTP with.

listening.py    addresses and their sockets
connections.py  takes connections, and looks after limits and deadlines (limits.py)
application.py  what is asked and answered, whatever carries it
http.py         one HTTP/1.1 connection
health.py       /healthz, /readyz and /metrics
"""
