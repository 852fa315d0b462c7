"""The same networks in PyTorch, and the conversion of weights both ways. The only room that imports PyTorch."""
