"""Train the model of cell types: a library of crops, a small network, and simpler models to compare it with.

Only the modules that build, train and export the network import TensorFlow, in processes of their own.
"""
