"""How word of what was committed reaches every process that has sockets open."""
