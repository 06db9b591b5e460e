"""The Human3.6M data set: its cameras, its labels, and what the field has made of them."""
