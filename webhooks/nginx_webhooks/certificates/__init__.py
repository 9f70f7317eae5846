"""The serving certificate of the webhooks: where it comes from, and how the API server comes to trust it.

certificate_controller.py  reconciles a source, its Secret, the serving certificate and the caBundles
source.py                  what the controller asks of a source; there are two:
self_signed_source.py      mode auto: CAs in the Secret, a leaf certificate in memory
external_source.py         modes certManager and existingSecret: certificate and key in the Secret
ca_rotation.py             issuing, next and retired CAs, and the steps of a rotation
ca_secret.py               the Secret that holds the CAs
rotate.py                  the command that asks for a rotation
authority.py               makes CAs, and leaf certificates by them
tls_secret.py              a certificate, its key and its CAs as somebody else may have stored them
ca_injector.py             the caBundles of both webhook configurations
webhook_configuration.py   clientConfig.caBundle of one configuration
watched_object.py          one object of the cluster, kept up to date
optimistic_lock.py         writes that name a resourceVersion
secret_data.py             the base64 of a Secret's data
requeue.py                 the error that ends a reconcile early
serving_certificate.py     the certificate that new handshakes present, and the clients that they let in
tls_context.py             TLS settings of a server and of a client
handshake.py               whether a client would accept a certificate, by a TLS handshake in memory
validation.py              validity period, path to a trusted CA, what Go supports
pem.py                     certificates and keys as text
files.py                   a certificate, or the CAs of clients, in files that somebody else renews
"""
