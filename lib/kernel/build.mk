# The userland kernel.
