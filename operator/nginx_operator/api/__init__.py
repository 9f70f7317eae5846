"""The contract of the Nginx resource: names, types, defaults, policy and validation.

Both processes and `nginx-operator lint` decide by these pure functions; nothing here does I/O
(the schema is package data, read once).

    names.py         names in the cluster: group, kind, labels, field managers, webhooks
    types.py         typed views of the objects that the operator reads
    schema.py        the CRD and the JSON Schema of its spec
    policy.py        the administrator's bounds and defaults, for the cluster, a namespace or a class of them
    selectors.py     a label selector's requirement, which tells a class of namespaces
    defaults.py      what a spec gets where it leaves something out
    validation/      what is refused, and what is warned of
    nginx_conf/      what nginx would say of a configuration
    quantity.py      Kubernetes quantities ("500m", "64Mi") as numbers
    near_misses.py   the known name that a misspelt one may mean
    images.py        references of container images
    truncation.py    texts that are too long
    kubectl_yaml.py  YAML as kubectl reads it
"""
