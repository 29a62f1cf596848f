"""Images, texts and boxes: decoding, geometry, perceptual hashes."""
