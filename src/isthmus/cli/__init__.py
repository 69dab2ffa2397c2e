"""Command line: typer below, the library does the work."""
