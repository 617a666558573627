"""Verify: a deployed cloud → proof that it serves, down to a virtual machine that answers a ping."""
