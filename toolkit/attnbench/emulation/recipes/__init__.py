"""What goes into each image; a change in this folder is a new image."""
