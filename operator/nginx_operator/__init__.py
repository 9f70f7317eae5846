"""The reconciler of the nginx operator. Importing the package costs nothing: it holds this map and the version.

Top first: a module imports only from lines below its own (docs/design.md draws the layers, import-linter holds them).

    __main__      command line: run, lint, check, version
    process       one process, from its client to its exit code
    handlers      kopf: log-in, start-up, clean-up, signals; the only module that imports it
    controller    wires the parts: reflectors, cache, queue, workers, leader election
    commands/     lint and check
    settings      the command line as a value
    metrics       /metrics
    reconcile/    one reconcile, and what is remembered of each Nginx
    migration/    stored objects follow the storage version
    policy_file   the administrator's policy, read again when it changes
    cache/        what was observed: nginxes, their children and pods, labels of namespaces
    runtime/      work queue, leader election, Events, admission probe
    kube/         client of the API server: connections, errors, reflector
    decide/       pure decisions: plan, conditions, status, event messages
    serving/      HTTP server: connections, limits, health
    children/     pure builders of the desired children, one module a kind
    api/          the pure contract: names, types, defaults, policy, validation
    logs          log format and levels

The webhooks share api, kube, serving, policy_file and logs.
"""

__version__ = "0.1.0"
