"""Tests of the webhooks process."""
