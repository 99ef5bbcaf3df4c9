"""HDF5 shards, the index over them, samples files, and the dataset that training reads."""
