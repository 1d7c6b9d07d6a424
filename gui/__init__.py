"""The viewer of upsampler: several methods on one picture, every pixel one the method produced."""
