"""Data onto a model: names, sizes and labels of dims, elements; every error of the data in one run."""
