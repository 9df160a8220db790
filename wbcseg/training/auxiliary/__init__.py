"""Networks that take part in a training and are not in the finished model: the critic, heads of deep supervision."""
