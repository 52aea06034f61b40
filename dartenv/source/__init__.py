"""Reading a DART tree as syntax: what its source faults are and where exactly they stand.

The probe and the fixes share this analysis, so that a place the probe reports as needed is the
place a patch edits, and a patched place is read back as repaired. Nothing here runs or imports
the code it reads, and nothing here writes.
"""
