"""Certificates, reviews and processes of the webhooks.

certificates  certificates as other tools make them
reviews       AdmissionReviews as an API server sends them
replica       the chart's objects and one replica's certificate controller, in a unit test
pair          two processes of the webhooks on a bed
"""
