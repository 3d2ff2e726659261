raise RuntimeError("planned import failure")
