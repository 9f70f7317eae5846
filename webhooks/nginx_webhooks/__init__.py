"""The admission webhooks of the nginx operator. Importing the package costs nothing.

Top first: a module imports only from lines below its own (docs/design.md draws the layers, import-linter holds them).

    __main__             command line: serve, rotate, version
    process              wires the parts, serves until a signal comes, drains
    server               the HTTPS server: /mutate and /validate
    settings             the command line as a value
    admission            pure decisions: mutate, validate
    flags                commands, flags and their help
    certificates/        CA, serving certificate, caBundle
    review               AdmissionReview on the wire
    client_certificates  which clients may connect
    filewatch            files that change under a running process
    readiness            /readyz
    metrics              /metrics
"""
