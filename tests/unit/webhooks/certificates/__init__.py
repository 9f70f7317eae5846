"""Tests of nginx_webhooks.certificates."""
