"""Lists that come in and go out: one module a format."""
