"""The EDM2 U-Net, its magnitude-preserving layers, and its conditions."""
