"""The admission webhooks of the nginx operator. Importing the package costs nothing.

__main__.py             the commands: serve, rotate, version
flags.py                their flags and help
settings.py             flags and environment as frozen values
process.py              wires the parts, serves until a signal comes, drains
server.py               the HTTPS server: /mutate and /validate
review.py               AdmissionReview on the wire
admission.py            the two decisions, pure
certificates/           the serving certificate, the CA, and the caBundles
client_certificates.py  which clients may connect
filewatch.py            files that change under a running process
readiness.py            /readyz
metrics.py              /metrics
"""
