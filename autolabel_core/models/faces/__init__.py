"""Faces by dlib: finding and embedding them; the extra `faces` installs it."""
