"""Plans that repair a machine, and a journal that takes the repair back."""
