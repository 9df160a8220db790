"""Train a network by steps instead of epochs: batches without end, a learning rate that falls until the last step."""
