"""Files: written whole or not at all, never over a stranger's; read or refused in one line."""
