"""Admission under load: requests at a steady rate through the API server, each answer judged.

judge.py   pure: the requests, and whether an answer is right
client.py  sends them, and compares stored objects with answers at the end
pages.py   requests nginx's page meanwhile
"""
