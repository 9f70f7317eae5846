"""The admission webhooks of the nginx operator. Importing the package costs nothing."""
