"""What the commands of the studies share: options, training and evaluation, tables."""
