"""Who may call what, and how often: keys, roles and permissions, limits."""
