"""The operator as a process, behind a proxy that injects faults.

process  starts it at once, from a fork server; kills it at any moment
proxy    rules that answer, break or delay calls to the API server
"""
