"""What earlier runs on this machine found: stored, compared, exported."""
