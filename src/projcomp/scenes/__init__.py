"""What is in a picture: CLEVR's vocabulary, placement rules, camera; numpy only."""
