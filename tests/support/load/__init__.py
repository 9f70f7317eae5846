"""Admission under load: requests at a steady rate through the API server, each answer judged.

judge.py   what is asked, and whether an answer is right: pure
client.py  asks, and compares at the end what is stored with what was answered
pages.py   asks nginx itself for its page, meanwhile
"""
