"""Stored objects follow the versions of the CustomResourceDefinition (docs/versions.md).

storage_version.py  writes each Nginx anew, and shortens status.storedVersions
managed_fields.py   metadata.managedFields under another version's name
"""
