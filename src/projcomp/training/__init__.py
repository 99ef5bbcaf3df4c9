"""Training with Lightning; the only room that imports lightning and wandb."""
