"""Reading DART's assets: their form, their names and their shapes, without running anything."""
