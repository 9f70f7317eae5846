"""What all unit tests share."""

from hypothesis import HealthCheck, settings

# A busy machine is no fault of the code: properties are about results, never about time.
settings.register_profile("project", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("project")
