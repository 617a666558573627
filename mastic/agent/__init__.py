"""The program that runs on a host, observes it and performs plans there; standard library only, Python 3.9 or newer."""
