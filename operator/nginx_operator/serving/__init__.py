"""What both processes serve HTTP with.

listening.py    addresses and their sockets
accepting.py    takes connections, and leads them through their handshake
connections.py  looks after them: limits and deadlines (limits.py)
application.py  what is asked and answered, whatever carries it
http.py         one HTTP/1.1 connection
health.py       /healthz, /readyz and /metrics
"""
