"""Does the exported model still compute what PyTorch computes?"""
