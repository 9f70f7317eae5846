"""The subcommands of `nginx-operator` beside `run`.

lint.py        checks manifests offline
yaml_nodes.py  positions, duplicate keys and cycles in a YAML document
check.py       checks an installed release; `helm test` runs it
"""
