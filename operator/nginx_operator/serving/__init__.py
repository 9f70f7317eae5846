"""Listening sockets, connections with deadlines, and the health endpoints that both processes have."""
