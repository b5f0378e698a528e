"""Measuring a machine from outside: run probes, write and read markers, in the network where its users are."""
