"""SeaFormer: a convolutional stream down to 1/64, with axial attention in its last stages."""
