"""The contract of the Nginx resource: names, types, defaults, policy and validation.

Both processes and `nginx-operator lint` decide by these pure functions; nothing here does I/O
(the schema is package data, read once).

    names.py       the words that stand in the cluster: group, labels, field manager, reasons
    schema.py      the CRD and the JSON Schema of its spec
    schema_types.py  the same as types of msgspec, for a quick yes
    types.py       typed views of the objects that the operator reads
    quantity.py    Kubernetes quantities ("500m", "64Mi") as numbers
    policy.py      what the administrator allows: counts and default image
    selectors.py   which namespaces a class of a policy takes, by a label
    defaults.py    what is written into a spec that leaves something out
    validation.py  what is refused, and what is only warned of: all rules, in order
    *_rules.py     what the schema cannot say, by field
    faults.py      what a rule is asked and what it answers
"""
