"""What changes without a release: settings, policies, templates."""
