"""The nets: torch and nothing else of ours."""
