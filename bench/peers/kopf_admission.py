"""kopf's own admission server with the same checks: kopf_admission.py HOST PORT CERTIFICATE KEY.

What kopf's documentation teaches, with our pure functions as the handlers' bodies.
"""

import asyncio
import sys
from typing import Any, Final

import kopf

from nginx_operator.api import defaults, names, validation
from nginx_operator.api.policy import Policy
from nginx_operator.api.validation.field_errors import aggregate

HOST, PORT, CERTIFICATE, KEY = sys.argv[1:]
POLICY: Final = Policy()


@kopf.on.startup()
def configure(settings: kopf.OperatorSettings, **_: Any) -> None:
    """The certificate is ours, and so are the webhook configurations."""
    settings.posting.enabled = False
    settings.admission.server = kopf.WebhookServer(
        addr=HOST, port=int(PORT), certfile=CERTIFICATE, pkeyfile=KEY, cafile=CERTIFICATE
    )


@kopf.on.mutate(names.GROUP, names.VERSION, names.PLURAL, id="mutate")
def mutate(spec: kopf.Spec, patch: kopf.Patch, **_: Any) -> None:
    """Writes what is left out."""
    for field, value in defaults.missing_defaults(spec, POLICY).items():
        patch.spec[field] = value


@kopf.on.validate(names.GROUP, names.VERSION, names.PLURAL, id="validate")
def validate(body: kopf.Body, warnings: list[str], **_: Any) -> None:
    """Judges an Nginx."""
    result = validation.validate(str(body.metadata.name), defaults.with_defaults(dict(body.spec), POLICY), POLICY)
    warnings += result.warnings
    if result.errors:
        raise kopf.AdmissionError(aggregate(result.errors), code=422)


if __name__ == "__main__":
    asyncio.run(kopf.operator(clusterwide=True, standalone=True))
