"""Which picture lies inside which larger one."""
