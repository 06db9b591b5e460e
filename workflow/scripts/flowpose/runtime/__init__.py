"""Where and how things are computed: devices, and reading and writing beside the computation."""
