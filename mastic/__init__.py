"""mastic builds the container images of an OpenStack cloud and operates that cloud with them."""

__version__ = "0.1.0"
