"""What all unit tests share."""

import os

from hypothesis import HealthCheck, settings

# A busy machine is no fault of the code: properties are about results, never about time.
PATIENT = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("project", PATIENT)
settings.register_profile("campaign", PATIENT, max_examples=5000)
settings.load_profile("campaign" if "CAMPAIGN" in os.environ else "project")
