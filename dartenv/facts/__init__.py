"""What is true of this machine, read by probes, judged by nobody here."""
