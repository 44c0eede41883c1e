"""One module per command or group of commands; imported only when it is called."""
