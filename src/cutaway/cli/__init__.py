"""The command line. A module parses the options of one command, and imports what that needs only when it runs."""
