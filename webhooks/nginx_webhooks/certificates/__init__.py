"""The certificate of the webhooks: where it comes from, and how the API server comes to trust it.

authority.py  certificate authorities, leaves, rotation: pure functions of the time that is given
live.py       the certificate that new TLS handshakes present
files.py      from two files that somebody else renews (cert-manager, an administrator)
watch.py      one object of the cluster, kept up to date
store.py      the Secret that holds the authorities
bundle.py     clientConfig.caBundle of one webhook configuration
keeper.py     the loop that ties Secret, leaf and bundles together
"""
