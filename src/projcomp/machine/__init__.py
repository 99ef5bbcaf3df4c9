"""What a process runs on and beside: devices, a machine's GPUs, memory, other processes."""
