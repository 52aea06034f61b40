"""From nothing to moving: environment, packages, source and assets in one resumable run."""
