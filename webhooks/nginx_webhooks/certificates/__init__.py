"""The certificate of the webhooks: where it comes from, and how the API server comes to trust it.

keeper.py       the loop that ties a source, its Secret and the caBundles together
source.py       what the keeper asks of a source; there are two:
  signing.py      mode auto: authorities in the Secret, a leaf in memory
  following.py    modes certManager and existingSecret: certificate and key in the Secret
authority.py    certificate authorities, leaves, rotation: pure functions of the time that is given
store.py        the Secret that holds the authorities
rotation.py     the command that asks for a rotation
publication.py  the caBundles of both configurations
bundle.py       clientConfig.caBundle of one configuration
watch.py        one object of the cluster, kept up to date
live.py         the certificate that new TLS handshakes present, and the clients that may come
reading.py      certificates as somebody else may have written them
handshake.py    whether a client would accept a certificate
files.py        a certificate, or authorities of clients, in files that somebody else renews
"""
