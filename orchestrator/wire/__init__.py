"""What the command line and the daemon say to each other: JSON-RPC 2.0, one JSON object a line, over a unix socket."""
