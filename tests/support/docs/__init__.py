"""Runs the commands of the documentation.

blocks.py   pure: the commands of a page, what each is shown to answer, and which cannot run here and why
session.py  a shell that runs them in order, and compares
"""
